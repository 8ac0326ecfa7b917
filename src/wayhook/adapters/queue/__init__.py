"""Jobs: kept in memory, and handed on by brokers."""
