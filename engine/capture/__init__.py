"""Where frames come from: devices, files and the studio, all behind one protocol."""
