"""What both doors (pages and client API) stand on: routes with their access class, parameters, addresses, replies."""
