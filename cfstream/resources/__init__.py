"""The calls people make; a file's name is the dotted name of its manager."""
