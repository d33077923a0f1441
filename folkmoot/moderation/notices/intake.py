"""What receiving a notice needs to know of the network: its addresses, its deadlines, and its receipts."""

from dataclasses import dataclass

from folkmoot.config import Settings
from folkmoot.moderation.notices.addresses import OwnAddresses
from folkmoot.moderation.notices.model import Hours
from folkmoot.moderation.notices.receipts import Receipts


@dataclass(frozen=True)
class Intake:
    base_url: str
    own: OwnAddresses
    hours: Hours
    receipts: Receipts

    @classmethod
    def of(cls, settings: Settings) -> "Intake":
        wanted = settings.notices
        return cls(
            base_url=settings.base_url, own=OwnAddresses([settings.base_url, *settings.names.others, settings.media.base_url]),
            hours=Hours(order=wanted.order_hours, contact=wanted.contact_hours, other=wanted.other_hours),
            receipts=Receipts(settings.secret),
        )
