"""What both entry points (HTML pages and client API) share: routes with their access class, parameters, addresses, replies."""
