"""The objects that a web process shares between requests: settings, database, caches, limits. Created in `app.py`."""

from dataclasses import dataclass

from folkmoot.base.db import Database
from folkmoot.base.disk import Disk
from folkmoot.base.errors import Problem, StorageFull, Unavailable
from folkmoot.base.file_store import FileStore
from folkmoot.base.limits import Limits
from folkmoot.base.shortage import shortage_problem
from folkmoot.base.web_push import VapidKey
from folkmoot.config import Settings
from folkmoot.http.homes import Homes
from folkmoot.http.urls import Urls
from folkmoot.network.barriers.shut_out import ShutOut
from folkmoot.network.filters.cache import FilterSets
from folkmoot.network.impressions.counting import Impressions
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import PostLimits
from folkmoot.network.posts.screening import Screener, let_pass
from folkmoot.network.sessions.actions import SignUpPolicy
from folkmoot.network.sessions.cache import Viewers
from folkmoot.network.translations.actions import Translations
from folkmoot.network.translations.service import Service
from folkmoot.portability.standby.on_demand import FetchingStore
from folkmoot.streaming.hub import Hub


@dataclass(frozen=True)
class Context:
    """One per process."""

    settings: Settings
    database: Database
    viewers: Viewers
    filters: FilterSets
    limits: Limits
    urls: Urls
    store: FileStore
    hub: Hub
    disk: Disk
    vapid: VapidKey
    impressions: Impressions
    translations: Translations
    shut_out: ShutOut
    homes: Homes
    screener: Screener = let_pass

    @classmethod
    def make(
        cls, settings: Settings, database: Database, screener: Screener = let_pass, impressions: Impressions | None = None
    ) -> "Context":
        shut_out = ShutOut(database)
        return cls(
            settings=settings, database=database, viewers=Viewers(database), filters=FilterSets(database),
            limits=Limits(settings.limits.multiplier, settings.data / "run" / "limits.1", settings.secret),
            urls=Urls(settings.base_url, settings.media.base_url, settings.secret),
            store=FetchingStore(media_store(settings), settings.data),
            hub=Hub(database, shut_out), disk=Disk(settings.data), vapid=VapidKey(settings.secret), screener=screener,
            impressions=impressions or Impressions(), shut_out=shut_out, homes=Homes(database),
            translations=Translations(Service(settings.translation) if settings.translation.url else None, settings.base_url),
        )

    async def explain(self, error: Exception) -> Problem | None:
        """The Problem to answer with; None if the error is a bug. A private database stops when its disk is full."""
        problem = error if isinstance(error, Problem) else shortage_problem(error)
        if type(problem) is Unavailable and not self.settings.database.url and (short := await self.disk.shortage()):
            return StorageFull(log_text=f"{short}; {problem.log_text}")
        return problem

    @property
    def is_standby(self) -> bool:
        """Whether the database is a standby; then no home is built and no exact limit is counted."""
        return self.database.is_standby

    @property
    def post_limits(self) -> PostLimits:
        return PostLimits(max_characters=self.settings.network.max_characters, base_url=self.settings.base_url)

    @property
    def sign_up_policy(self) -> SignUpPolicy:
        return SignUpPolicy(
            mode=self.settings.network.registration, confirms_email=bool(self.settings.mail.host),
            multiplier=self.settings.limits.multiplier,
        )
