"""The configuration of Caddy: certificates, HTTPS, compression, limits and a log without private data.

Caddy replaces the X-Forwarded-For header of visitors by their address. It sends server-sent events on at once, as they
have no length, and never compresses them. HSTS and all other headers come from the network itself.
"""

from folkmoot.portability.certificates.model import FIXED
from folkmoot.portability.install.answers import Answers
from folkmoot.portability.install.units import PROXY_DATA

# Above the limits of every route: the network itself refuses what is too large, with a sentence.
_LARGEST_BODY = "128MB"
_COMPRESSED = ("application/activity+json*", "application/jrd+json*", "application/json*", "application/xml*", "image/svg+xml*",
               "text/css*", "text/html*", "text/javascript*", "text/plain*")
_WORDS = {
    "cs": ("Za chvilku jsme zpět", "Síť se právě znovu spouští. Zkuste to prosím za malou chvíli."),
    "en": ("Back in a moment", "The network is restarting. Please try again in a few seconds."),
}
# Which pages somebody reads is private: of an address only its first part is logged, no address, no headers.
_LOG = """\
log {
	output stderr
	format filter {
		wrap json
		request>remote_ip delete
		request>remote_port delete
		request>client_ip delete
		request>headers delete
		request>tls delete
		request>uri regexp ^(/api/v[0-9]+/[a-z_]+|/[^/?]*).* $1
		resp_headers delete
		user_id delete
	}
}"""


def caddyfile(answers: Answers, port: int, acme: str = "", acme_root: str = "") -> str:
    """`acme`: the directory of another certificate authority than Caddy's own choice; `acme_root`: a file with its root."""
    authority = (f"acme_ca {acme}\n" if acme else "") + (f"acme_ca_root {acme_root}\n" if acme_root else "")
    types = "\n".join(f"header Content-Type {kind}" for kind in _COMPRESSED)
    return f"""\
# Written by `moot install`, which replaces it. Files in /etc/folkmoot/caddy.d are yours: they are part of the site below.
{{
	email {answers.email}
	admin off
	persist_config off
	skip_install_trust
	grace_period 10s
{_indented(authority + _LOG)}
	servers {{
		max_header_size 64KB
		timeouts {{
			read_header 10s
			idle 2m
		}}
	}}
}}

{answers.domain} {{
	encode {{
		zstd
		gzip
		match {{
{_indented(types, 3)}
		}}
	}}
	header -Via
	request_body {{
		max_size {_LARGEST_BODY}
	}}
	# Requests wait while the network restarts.
	reverse_proxy 127.0.0.1:{port} {{
		lb_try_duration 10s
		lb_try_interval 100ms
	}}
{_indented(_error_pages(answers.language))}
{_indented(_LOG)}
	# On a host that is not the primary: the certificate of the network, and no question to an authority.
	import {PROXY_DATA}/{FIXED}/*.caddy
	import /etc/folkmoot/caddy.d/*.caddy
}}
"""


def _error_pages(language: str) -> str:
    """What visitors and apps get while the network does not answer at all. All other errors are its own."""
    title, sentence = _WORDS[language]
    return f"""\
handle_errors 502 503 504 {{
	header Retry-After 5
	header Cache-Control no-store
	@api path /api/* /oauth/token
	handle @api {{
		header Content-Type application/json
		respond `{{"error": "{sentence}"}}` 503
	}}
	handle {{
		header Content-Type "text/html; charset=utf-8"
		respond <<HTML
			<!doctype html>
			<html lang="{language}">
			<meta charset="utf-8">
			<meta name="viewport" content="width=device-width">
			<meta name="color-scheme" content="light dark">
			<title>{title}</title>
			<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 20vh auto; padding: 0 1rem }}</style>
			<h1>{title}</h1>
			<p>{sentence}</p>
			</html>
			HTML 503
	}}
}}"""


def _indented(text: str, depth: int = 1) -> str:
    tabs = "\t" * depth
    return "\n".join(f"{tabs}{line}" for line in text.splitlines())
