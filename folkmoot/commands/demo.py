"""The demo village: ten neighbours, so that a new network has something to show, and somebody something to decide.

Everything is done through the same actions as everybody's, dated back over the last days. The texts and pictures are
our own. A network that knows the village is left as it is.
"""

from datetime import datetime, timedelta
from importlib.resources import files
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.commands.options import open_database
from folkmoot.config import Settings
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import PostLimits, boost_post, create_post, favourite_post, vote_in_poll
from folkmoot.network.posts.model import PollDraft, PostDraft, Visibility
from folkmoot.network.relations.actions import follow
from folkmoot.network.sessions.actions import create_member
from folkmoot.network.sessions.model import Role

PASSWORD = "lipa nad kasnou"  # of all ten
_CS, _EN = "cs", "en"


class Neighbour(NamedTuple):
    name: str
    display_name: str
    language: str
    bio: str
    fields: tuple[tuple[str, str], ...] = ()
    role: Role = Role.MEMBER


_NEIGHBOURS = [
    Neighbour("jana", "Jana Malá", _CS, "Knihovnice. Píšu, co je u nás nového, a ptám se na to, co nevím.",
              (("Knihovna", "út a čt 14.00–18.00"),), Role.OPERATOR),
    Neighbour("karel", "Karel Novotný", _CS, "Kameník ve výslužbě. Opravuji, co se dá opravit.", (("Dílna", "za kostelem vlevo"),)),
    Neighbour("eva", "Eva Dvořáková", _CS, "Včelařím třetím rokem a pořád se mám co učit. #včely"),
    Neighbour("peter", "Peter Hall", _EN, "Ferryman, third generation. Timetables, weather, the odd seal.",
              (("Boat", "The Second Margaret"), ("First boat", "06:10"))),
    Neighbour("marie", "Marie Horáková", _CS, "Učím prvňáky. Večer čtu nahlas."),
    Neighbour("tomas", "Tomáš Beneš", _CS, "Začínám se vším. Teď zrovna se včelami."),
    Neighbour("anna", "Anna Veselá", _CS, "Vidím věci, které lidi ztratili."),
    Neighbour("josef", "Josef Kučera", _CS, "Tři úly, dvě kolena a jedna zásada: nespěchat."),
    # Moderators follow nobody and are followed by nobody: whoever knows the people in a case does not decide it.
    Neighbour("hana", "Hana Jelínková", _CS, "Zapisovatelka obce. Kdo se pře, toho vyslechnu.", role=Role.MODERATOR),
    Neighbour("ludmila", "Ludmila Tichá", _CS, "Nikoho nesleduji, abych mohla vyslechnout každého.", role=Role.MODERATOR),
]


class Written(NamedTuple):
    """A post to write: who, how many minutes ago, what."""

    key: str
    who: str
    minutes: int
    text: str
    language: str = _CS
    picture: str = ""
    description: str = ""
    answers: str = ""
    cover: str = ""
    poll: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PUBLIC
    likes: str = ""
    boosts: str = ""


_POSTS = [
    Written("read", "jana", 4300, "V knihovně přibyla police s knihami na výměnu. Přinesete jednu, odnesete jednu. #knihovna", likes="marie eva"),
    Written("boot", "peter", 2900, "To the person who left one very good boot on the upper deck: it is in the ticket office, it is lonely,"
            " please come.", _EN, likes="jana anna tomas", boosts="anna"),
    Written("story", "marie", 2750, "Dnes jsme s dětmi počítali, kolik je od školy ke kašně kroků. Vyšlo to 214, 198 a „strašně moc“.",
            likes="jana karel eva anna"),
    Written("seal", "peter", 1500, "Fog till ten. A seal sat on the slip and would not be argued with, so the seven o’clock left at seven"
            " twenty. My apologies to the school run.", _EN, "ferry", "A small white ferry on calm water at dusk, low hills behind it.",
            likes="jana eva marie josef"),
    Written("glove", "anna", 700, "Našla se rukavice u zastávky, červená, dětská. Visí na plotě u školy.", likes="marie karel", boosts="marie"),
    Written("cover", "marie", 560, "Táta je po operaci a daří se mu líp, než čekali. Děkuju všem, kdo se ptali.", cover="Nemoc v rodině",
            likes="jana eva anna"),
    Written("ferry", "peter", 420, "The ferry runs on the winter timetable from Monday. First boat 06:10, last boat 21:40. Bikes travel free,"
            " as before. #ferry", _EN, likes="jana tomas", boosts="tomas"),
    Written("bees", "eva", 300, "Sousedé s včelami: dáváte už krmítka, nebo čekáte na první mráz? Letos je všechno o tři týdny posunuté. #včely",
            poll=("Už jsem dala", "Čekám na mráz", "Letos bez krmení"), likes="josef tomas", boosts="tomas"),
    Written("wait", "josef", 290, "Čekám. Otec vždycky říkal: dokud létají na břečťan, nech je být.", answers="bees", likes="eva anna karel"),
    Written("ivy", "eva", 284, "To se mi líbí. U nás břečťan kvete ještě teď.", answers="wait", likes="josef"),
    Written("wood", "anna", 262, "U lesa taky. Dole ve městě už ne, tam je po všem.", answers="wait", likes="eva"),
    Written("coast", "peter", 270, "We feed in October on the coast, but the hives here never really stop. Ask me again when it freezes.",
            _EN, answers="bees", likes="eva"),
    Written("sugar", "tomas", 240, "Začátečnický dotaz: cukr, nebo hotové těsto?", answers="bees", likes="jana"),
    Written("dough", "josef", 236, "Těsto. Míň práce a nic nerozlijete.", answers="sugar", likes="tomas eva"),
    Written("hives", "eva", 190, "Takhle to u nás vypadá dnes ráno. Nejvíc létají ty oranžové, ty mají slunce první.", _CS, "hives",
            "Tři barevné úly na louce pod podzimními stromy, kolem nich včely.", likes="tomas josef marie"),
    Written("fountain", "karel", 150, "Na návsi dnes v šest otevíráme opravenou kašnu. Voda teče po třiceti letech. Přijďte, bude polévka a Tonda"
            " vzal harmoniku. #kašna", _CS, "fountain", "Kamenná kašna uprostřed návsi, voda stříká do kruhu, za ní kostel a dva domy.",
            likes="jana eva marie anna tomas josef", boosts="tomas marie"),
    Written("soup", "jana", 120, "@karel přijdu a vezmu chleba. Kdo vezme misky?", answers="fountain", likes="karel"),
    Written("bowls", "marie", 110, "Misky má škola, přinesu třicet.", answers="soup", likes="jana karel"),
    Written("key", "karel", 60, "@jana klíč od knihovny je u mě v dílně, kdybys šla dřív.", visibility=Visibility.DIRECT),
    Written("garden", "anna", 45, "Kdo má zítra odpoledne hodinu, hrabeme listí u hřbitova. Hrábě máme.", visibility=Visibility.FOLLOWERS, likes="jana"),
]
# What somebody has to decide: mild, and not all of it against a rule.
_POSTS += [
    Written("lawn", "anna", 2210, "Kdo mi zase parkuje na trávníku, tomu příště vypustím všechna čtyři kola. Myslím to vážně."),
    Written("salve", "tomas", 1890, "Zázračná mast od bratrance: klouby jako ve dvaceti. Jen dnes za polovinu, pošlete tisícovku předem."),
    Written("keys", "josef", 1710, "Kdyby někdo sháněl Horákovy: do neděle nejsou doma, bydlí v čísle 12, klíč je pod květináčem."),
]


class Reported(NamedTuple):
    """Who points to which post, and why."""

    key: str
    who: str
    clause: str
    comment: str = ""


_REPORTS = [
    Reported("lawn", "karel", "violence", "Příště to třeba udělá. Děti si tam hrají."),
    Reported("lawn", "jana", "harassment"),
    Reported("salve", "eva", "spam", "Tisíc korun předem za mast, kterou nikdo neviděl."),
    Reported("keys", "marie", "privacy", "To jsme my. O klíči nikdo vědět neměl."),
]
_VOTES = {"josef": 1, "tomas": 0, "anna": 1, "karel": 2, "peter": 1, "marie": 0}


async def knows_village(settings: Settings) -> bool:
    """Whether the demo village lives in this network."""
    async with open_database(settings) as database, database.read() as conn:
        return await find_account_by_name(conn, "jana") is not None and await find_account_by_name(conn, "josef") is not None


async def fill_village(settings: Settings) -> None:
    """Fills a new network: people, follows, posts, likes, votes."""
    async with open_database(settings) as database:
        people = {neighbour.name: await _settle(database, settings, neighbour) for neighbour in _NEIGHBOURS}
        await _follow(database, people)
        await _report(database, people, await _write(database, settings, people))


async def _follow(database: Database, people: dict[str, Account]) -> None:
    """Most follow most."""
    friends = [people[neighbour.name] for neighbour in _NEIGHBOURS if neighbour.role is not Role.MODERATOR]
    for place, one in enumerate(friends):
        for other_place, other in enumerate(friends):
            if one.id != other.id and (one.username == "jana" or (place + 2 * other_place) % 5):
                async with database.write() as tx:
                    await follow(tx, one, other.id)


async def _settle(database: Database, settings: Settings, neighbour: Neighbour) -> Account:
    email = f"{neighbour.name}@example.org"
    account = await create_member(
        database, neighbour.name, email, PASSWORD, neighbour.role, display_name=neighbour.display_name, language=neighbour.language
    )
    async with database.write() as tx:
        return await update_profile(tx, account, ProfileDraft(bio=neighbour.bio, fields=neighbour.fields), settings.base_url)


async def _report(database: Database, people: dict[str, Account], ids: dict[str, int]) -> None:
    authors = {post.key: post.who for post in _POSTS}
    for report in _REPORTS:
        draft = ReportDraft(
            account_id=people[authors[report.key]].id, post_ids=(ids[report.key],), clauses=(report.clause,), comment=report.comment
        )
        async with database.write() as tx:
            await file_report(tx, people[report.who], draft)


async def _write(database: Database, settings: Settings, people: dict[str, Account]) -> dict[str, int]:
    """Publishes what is to be published; returns the ids of the posts by key."""
    limits = PostLimits(max_characters=settings.network.max_characters, base_url=settings.base_url)
    now = clock.now()
    ids: dict[str, int] = {}
    for post in _POSTS:
        author = people[post.who]
        media_ids = (await _picture(database, settings, author, post),) if post.picture else ()
        draft = PostDraft(
            text=post.text, language=post.language, cover=post.cover, visibility=post.visibility, media_ids=media_ids,
            reply_to_id=ids.get(post.answers), poll=PollDraft(titles=post.poll, expires_in=86400) if post.poll else None,
        )
        async with database.write() as tx:
            view = await create_post(tx, author, draft, limits, at=_ago(now, post.minutes))
        ids[post.key] = view.post.id
        for name in post.likes.split():
            async with database.write() as tx:
                await favourite_post(tx, people[name], view.post.id)
        for place, name in enumerate(post.boosts.split(), 1):
            async with database.write() as tx:
                await boost_post(tx, people[name], view.post.id, at=_ago(now, post.minutes - 7 * place))
        if view.post.poll:
            for name, choice in _VOTES.items():
                async with database.write() as tx:
                    await vote_in_poll(tx, people[name], view.post.poll.id, [choice])
    return ids


async def _picture(database: Database, settings: Settings, author: Account, post: Written) -> int:
    content = files("folkmoot").joinpath("commands", "village", f"{post.picture}.jpg").read_bytes()
    store = media_store(settings)
    return (await upload_picture(database, store, author, content, description=post.description)).id


def _ago(now: datetime, minutes: int) -> datetime:
    return now - timedelta(minutes=minutes)
