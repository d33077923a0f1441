"""The web application: pages and their parts, rendered on the server, usable without JavaScript, in Czech and English."""
