"""Network cameras: MJPEG over HTTP, and RTSP."""
