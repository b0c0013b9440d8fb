"""Whether an address stays within this machine."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether what is sent to a host cannot leave this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
