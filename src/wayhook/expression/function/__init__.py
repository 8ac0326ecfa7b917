"""The functions of the expression language, one module for each group; `table` knows them all. No I/O."""
