"""What can be typed: the declarations of commands. What a command does is loaded when it runs."""
