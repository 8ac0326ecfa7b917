"""The options of curl: which take a value, which an action has a place for, and why the others are left out. No I/O."""

from __future__ import annotations

from wayhook.formats.foreign.reason import COOKIES, FILE, METHOD, PARTS, TRANSPORT

__all__ = ["CARRIED", "REASONS", "SHORT", "TAKING"]

_PRINTS = "it says what the command prints or keeps; an outcome has the answer"
_PROXY = "a proxy is a setting of the executor's transport, not of an action"
_TRUST = "certificates are always checked; which authorities are trusted is a setting of the transport"
_TIME = "the time for a call is the timeout of the journey, or of the call"
_RETRY = "the executor repeats what is safe to repeat, as the guardrails say"
_REDIRECT = "which redirects are followed is fixed: a 302, without secrets for another host"
_OTHER = "it is of another protocol, or of a step beside the request"

_LEFT_OUT = {
    _PRINTS: (
        """
            create-dirs fail fail-early fail-with-body help include list-only manual no-clobber parallel
            parallel-immediate progress-bar progress-meter buffer raw remote-header-name remote-name remote-name-all
            remote-time remove-on-error show-error silent styled-output suppress-connect-headers trace-ids trace-time
            verbose version xattr clobber show-headers use-ascii metalink
        """,
        """
            create-file-mode dump-header etag-save libcurl output output-dir parallel-max stderr trace trace-ascii
            trace-config write-out
        """,
    ),
    TRANSPORT: (
        """
            alpn haproxy-protocol http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only
            ignore-content-length ipv4 ipv6 keepalive npn path-as-is sessionid tcp-fastopen tcp-nodelay tr-encoding
            mptcp
        """,
        """
            abstract-unix-socket alt-svc connect-to dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url
            expect100-timeout happy-eyeballs-timeout-ms haproxy-clientip hsts interface ipfs-gateway keepalive-cnt
            keepalive-time limit-rate local-port max-filesize proto-default rate request-target resolve speed-limit
            speed-time unix-socket vlan-priority ip-tos
        """,
    ),
    _PROXY: (
        """
            proxy-anyauth proxy-basic proxy-digest proxy-http2 proxy-insecure proxy-negotiate proxy-ntlm
            proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel socks5-basic socks5-gssapi
            socks5-gssapi-nec proxy-ca-native
        """,
        """
            noproxy preproxy proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile
            proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers
            proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 socks4 socks4a socks5
            socks5-gssapi-service socks5-hostname
        """,
    ),
    _TRUST: (
        """
            ca-native cert-status doh-cert-status doh-insecure false-start insecure ssl ssl-allow-beast
            ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 tlsv1 tlsv1.0 tlsv1.1
            tlsv1.2 tlsv1.3 ech
        """,
        """
            cacert capath cert-type ciphers crlfile curves egd-file engine key-type pass pinnedpubkey random-file
            tls-max tls13-ciphers tlsauthtype tlspassword tlsuser
        """,
    ),
    _TIME: ("", "connect-timeout max-time"),
    _RETRY: ("retry-all-errors retry-connrefused", "retry retry-delay retry-max-time"),
    _REDIRECT: ("location-trusted post301 post302 post303", "max-redirs proto proto-redir"),
    COOKIES: ("junk-session-cookies", "cookie cookie-jar"),
    METHOD: (
        "anyauth digest disallow-username-in-url negotiate ntlm ntlm-wb sasl-ir",
        "aws-sigv4 delegation krb login-options sasl-authzid service-name",
    ),
    FILE: ("netrc netrc-optional", "config etag-compare netrc-file upload-file"),
    PARTS: ("form-escape", "form form-string"),
    _OTHER: (
        """
            append compressed-ssh crlf disable-eprt disable-epsv ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip
            ftp-ssl-ccc ftp-ssl-control mail-rcpt-allowfails tftp-no-options
        """,
        """
            continue-at ftp-account ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode hostpubmd5
            hostpubsha256 mail-auth mail-from mail-rcpt pubkey quote telnet-option tftp-blksize time-cond variable
        """,
    ),
}

_FLAGS = "basic compressed disable get globoff head location next"
_VALUES = """
    cert data data-ascii data-binary data-raw data-urlencode header json key oauth2-bearer range referer request url
    url-query user user-agent
"""
CARRIED = frozenset(f"{_FLAGS} {_VALUES}".split())
"""What an action has a place for, or does by itself."""

REASONS = {name: why for why, (flags, values) in _LEFT_OUT.items() for name in f"{flags} {values}".split()}
"""Why each of the others is left out."""

TAKING = frozenset(" ".join([_VALUES, *(values for _, values in _LEFT_OUT.values())]).split())
"""Those that take the next word for their value."""

SHORT = {
    "#": "progress-bar", "0": "http1.0", "1": "tlsv1", "2": "sslv2", "3": "sslv3", "4": "ipv4", "6": "ipv6",
    ":": "next", "A": "user-agent", "B": "use-ascii", "C": "continue-at", "D": "dump-header", "E": "cert",
    "F": "form", "G": "get", "H": "header", "I": "head", "J": "remote-header-name", "K": "config", "L": "location",
    "M": "manual", "N": "no-buffer", "O": "remote-name", "P": "ftp-port", "Q": "quote", "R": "remote-time",
    "S": "show-error", "T": "upload-file", "U": "proxy-user", "V": "version", "X": "request", "Y": "speed-limit",
    "Z": "parallel", "a": "append", "b": "cookie", "c": "cookie-jar", "d": "data", "e": "referer", "f": "fail",
    "g": "globoff", "h": "help", "i": "include", "j": "junk-session-cookies", "k": "insecure", "l": "list-only",
    "m": "max-time", "n": "netrc", "o": "output", "p": "proxytunnel", "q": "disable", "r": "range", "s": "silent",
    "t": "telnet-option", "u": "user", "v": "verbose", "w": "write-out", "x": "proxy", "y": "speed-time",
    "z": "time-cond",
}  # fmt: skip
