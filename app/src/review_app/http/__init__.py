"""Pages and API: parse, call, render."""
