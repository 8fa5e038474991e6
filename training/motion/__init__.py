"""Motion of real people, from files: joints in metres with z up, whatever the file calls them."""
