"""The address of the page, and who can reach it."""

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address


@dataclass(frozen=True)
class Address:
    """An IPv4 address of this machine and a port; ValueError for anything else."""

    host: str = "127.0.0.1"
    port: int = 7860

    def __post_init__(self) -> None:
        try:
            IPv4Address(self.host)
        except AddressValueError as error:
            raise ValueError(
                f"host {self.host!r} of the page: give an IPv4 address, such as 127.0.0.1"
            ) from error
        if not 0 < self.port < 65_536:
            raise ValueError(f"port {self.port} of the page: give one from 1 to 65535")

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it."""
        return IPv4Address(self.host).is_loopback
