"""The demo: ten members of a village with posts and reports, so that a new network has content and open cases.

All of it is created by the same actions that members use. The accounts are older than a member must be who applies for the jury;
their posts are of the last days. The texts and pictures were made for Folkmoot.
"""

from datetime import datetime, timedelta
from importlib.resources import files
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn
from folkmoot.commands.options import open_database
from folkmoot.config import Settings
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import PostLimits, boost_post, create_post, favourite_post, vote_in_poll
from folkmoot.network.posts.model import PollDraft, PostDraft, Visibility
from folkmoot.network.relations.actions import follow
from folkmoot.network.sessions.actions import create_member
from folkmoot.network.sessions.model import Role
from folkmoot.network.sessions.queries import find_login_by_email

PASSWORD = "lipa nad kasnou"  # of all demo members
_CS, _EN = "cs", "en"
_AGE, _BETWEEN = timedelta(days=100), timedelta(days=7)  # of the first account, and until the next one


class DemoMember(NamedTuple):
    name: str
    display_name: str
    language: str
    bio: str
    fields: tuple[tuple[str, str], ...] = ()
    role: Role = Role.MEMBER


_MEMBERS = [
    DemoMember("jana", "Jana Malá", _CS, "Knihovnice. Píšu, co je u nás nového, a ptám se na to, co nevím.",
               (("Knihovna", "út a čt 14.00–18.00"),), Role.OPERATOR),
    DemoMember("karel", "Karel Novotný", _CS, "Kameník ve výslužbě. Opravuji, co se dá opravit.", (("Dílna", "za kostelem vlevo"),)),
    DemoMember("eva", "Eva Dvořáková", _CS, "Včelařím třetím rokem a pořád se mám co učit. #včely"),
    DemoMember("peter", "Peter Hall", _EN, "Ferryman, third generation. Timetables, weather, the odd seal.",
               (("Boat", "The Second Margaret"), ("First boat", "06:10"))),
    DemoMember("marie", "Marie Horáková", _CS, "Učím prvňáky. Večer čtu nahlas."),
    DemoMember("tomas", "Tomáš Beneš", _CS, "Začínám se vším. Teď zrovna se včelami."),
    DemoMember("anna", "Anna Veselá", _CS, "Vidím věci, které lidi ztratili."),
    DemoMember("josef", "Josef Kučera", _CS, "Tři úly, dvě kolena a jedna zásada: nespěchat."),
    # Moderators follow nobody and nobody follows them, because a moderator must not decide cases of accounts that they know.
    DemoMember("hana", "Hana Jelínková", _CS, "Zapisovatelka obce. Kdo se pře, toho vyslechnu.", role=Role.MODERATOR),
    DemoMember("ludmila", "Ludmila Tichá", _CS, "Nikoho nesleduji, abych mohla vyslechnout každého.", role=Role.MODERATOR),
]


class DemoPost(NamedTuple):
    """A post to create. `minutes`: its age."""

    key: str
    who: str
    minutes: int
    text: str
    language: str = _CS
    picture: str = ""
    description: str = ""
    reply_to: str = ""
    cover: str = ""
    poll: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PUBLIC
    favourites: str = ""
    boosts: str = ""


_POSTS = [
    DemoPost("read", "jana", 4300, "V knihovně přibyla police s knihami na výměnu. Přinesete jednu, odnesete jednu. #knihovna", favourites="marie eva"),
    DemoPost("boot", "peter", 2900, "To the person who left one very good boot on the upper deck: it is in the ticket office, it is lonely,"
             " please come.", _EN, favourites="jana anna tomas", boosts="anna"),
    DemoPost("story", "marie", 2750, "Dnes jsme s dětmi počítali, kolik je od školy ke kašně kroků. Vyšlo to 214, 198 a „strašně moc“.",
             favourites="jana karel eva anna"),
    DemoPost("seal", "peter", 1500, "Fog till ten. A seal sat on the slip and would not be argued with, so the seven o’clock left at seven"
             " twenty. My apologies to the school run.", _EN, "ferry", "A small white ferry on calm water at dusk, low hills behind it.",
             favourites="jana eva marie josef"),
    DemoPost("glove", "anna", 700, "Našla se rukavice u zastávky, červená, dětská. Visí na plotě u školy.", favourites="marie karel", boosts="marie"),
    DemoPost("cover", "marie", 560, "Táta je po operaci a daří se mu líp, než čekali. Děkuju všem, kdo se ptali.", cover="Nemoc v rodině",
             favourites="jana eva anna"),
    DemoPost("ferry", "peter", 420, "The ferry runs on the winter timetable from Monday. First boat 06:10, last boat 21:40. Bikes travel free,"
             " as before. #ferry", _EN, favourites="jana tomas", boosts="tomas"),
    DemoPost("bees", "eva", 300, "Sousedé s včelami: dáváte už krmítka, nebo čekáte na první mráz? Letos je všechno o tři týdny posunuté. #včely",
             poll=("Už jsem dala", "Čekám na mráz", "Letos bez krmení"), favourites="josef tomas", boosts="tomas"),
    DemoPost("wait", "josef", 290, "Čekám. Otec vždycky říkal: dokud létají na břečťan, nech je být.", reply_to="bees", favourites="eva anna karel"),
    DemoPost("ivy", "eva", 284, "To se mi líbí. U nás břečťan kvete ještě teď.", reply_to="wait", favourites="josef"),
    DemoPost("wood", "anna", 262, "U lesa taky. Dole ve městě už ne, tam je po všem.", reply_to="wait", favourites="eva"),
    DemoPost("coast", "peter", 270, "We feed in October on the coast, but the hives here never really stop. Ask me again when it freezes.",
             _EN, reply_to="bees", favourites="eva"),
    DemoPost("sugar", "tomas", 240, "Začátečnický dotaz: cukr, nebo hotové těsto?", reply_to="bees", favourites="jana"),
    DemoPost("dough", "josef", 236, "Těsto. Míň práce a nic nerozlijete.", reply_to="sugar", favourites="tomas eva"),
    DemoPost("hives", "eva", 190, "Takhle to u nás vypadá dnes ráno. Nejvíc létají ty oranžové, ty mají slunce první.", _CS, "hives",
             "Tři barevné úly na louce pod podzimními stromy, kolem nich včely.", favourites="tomas josef marie"),
    DemoPost("fountain", "karel", 150, "Na návsi dnes v šest otevíráme opravenou kašnu. Voda teče po třiceti letech. Přijďte, bude polévka a Tonda"
             " vzal harmoniku. #kašna", _CS, "fountain", "Kamenná kašna uprostřed návsi, voda stříká do kruhu, za ní kostel a dva domy.",
             favourites="jana eva marie anna tomas josef", boosts="tomas marie"),
    DemoPost("soup", "jana", 120, "@karel přijdu a vezmu chleba. Kdo vezme misky?", reply_to="fountain", favourites="karel"),
    DemoPost("bowls", "marie", 110, "Misky má škola, přinesu třicet.", reply_to="soup", favourites="jana karel"),
    DemoPost("key", "karel", 60, "@jana klíč od knihovny je u mě v dílně, kdybys šla dřív.", visibility=Visibility.DIRECT),
    DemoPost("garden", "anna", 45, "Kdo má zítra odpoledne hodinu, hrabeme listí u hřbitova. Hrábě máme.", visibility=Visibility.FOLLOWERS, favourites="jana"),
]
# Posts for the moderation queue: mild, and not all of them break a rule.
_POSTS += [
    DemoPost("lawn", "anna", 2210, "Kdo mi zase parkuje na trávníku, tomu příště vypustím všechna čtyři kola. Myslím to vážně."),
    DemoPost("salve", "tomas", 1890, "Zázračná mast od bratrance: klouby jako ve dvaceti. Jen dnes za polovinu, pošlete tisícovku předem."),
    DemoPost("keys", "josef", 1710, "Kdyby někdo sháněl Horákovy: do neděle nejsou doma, bydlí v čísle 12, klíč je pod květináčem."),
]


class DemoReport(NamedTuple):
    """A report to file about the post `key`."""

    key: str
    who: str
    clause: str
    comment: str = ""


_REPORTS = [
    DemoReport("lawn", "karel", "violence", "Příště to třeba udělá. Děti si tam hrají."),
    DemoReport("lawn", "jana", "harassment"),
    DemoReport("salve", "eva", "spam", "Tisíc korun předem za mast, kterou nikdo neviděl."),
    DemoReport("keys", "marie", "privacy", "To jsme my. O klíči nikdo vědět neměl."),
]
_VOTES = {"josef": 1, "tomas": 0, "anna": 1, "karel": 2, "peter": 1, "marie": 0}


async def has_demo(conn: ReadConn) -> bool:
    """Whether the demo members are here. Other members may have the same names, so their addresses are compared."""
    return all([await find_login_by_email(conn, f"{name}@example.org") for name in ("jana", "josef", "hana")])


async def create_demo(settings: Settings) -> None:
    """Fills a new network: members, follows, posts, favourites, votes, reports."""
    async with open_database(settings) as database:
        began_at = clock.now() - _AGE
        accounts = {
            member.name: await _create_account(database, settings, member, began_at + number * _BETWEEN)
            for number, member in enumerate(_MEMBERS)
        }
        await _create_follows(database, accounts)
        await _file_reports(database, accounts, await _create_posts(database, settings, accounts))


async def _create_follows(database: Database, accounts: dict[str, Account]) -> None:
    """Most members follow most others."""
    members = [accounts[member.name] for member in _MEMBERS if member.role is not Role.MODERATOR]
    for number, one in enumerate(members):
        for other_number, other in enumerate(members):
            if one.id != other.id and (one.username == "jana" or (number + 2 * other_number) % 5):
                async with database.write() as tx:
                    await follow(tx, one, other.id)


async def _create_account(database: Database, settings: Settings, member: DemoMember, at: datetime) -> Account:
    email = f"{member.name}@example.org"
    account = await create_member(
        database, member.name, email, PASSWORD, member.role, display_name=member.display_name, language=member.language, at=at
    )
    async with database.write() as tx:
        return await update_profile(tx, account, ProfileDraft(bio=member.bio, fields=member.fields), settings.base_url)


async def _file_reports(database: Database, accounts: dict[str, Account], ids: dict[str, int]) -> None:
    authors = {post.key: post.who for post in _POSTS}
    for report in _REPORTS:
        draft = ReportDraft(
            account_id=accounts[authors[report.key]].id, post_ids=(ids[report.key],), clauses=(report.clause,), comment=report.comment
        )
        async with database.write() as tx:
            await file_report(tx, accounts[report.who], draft)


async def _create_posts(database: Database, settings: Settings, accounts: dict[str, Account]) -> dict[str, int]:
    """Creates the posts with their favourites, boosts and votes; returns the ids of the posts by key."""
    limits = PostLimits(max_characters=settings.network.max_characters, base_url=settings.base_url)
    now = clock.now()
    ids: dict[str, int] = {}
    for post in _POSTS:
        author = accounts[post.who]
        media_ids = (await _picture(database, settings, author, post),) if post.picture else ()
        draft = PostDraft(
            text=post.text, language=post.language, cover=post.cover, visibility=post.visibility, media_ids=media_ids,
            reply_to_id=ids.get(post.reply_to), poll=PollDraft(titles=post.poll, expires_in=86400) if post.poll else None,
        )
        async with database.write() as tx:
            view = await create_post(tx, author, draft, limits, at=_ago(now, post.minutes))
        ids[post.key] = view.post.id
        for name in post.favourites.split():
            async with database.write() as tx:
                await favourite_post(tx, accounts[name], view.post.id)
        for number, name in enumerate(post.boosts.split(), 1):
            async with database.write() as tx:
                await boost_post(tx, accounts[name], view.post.id, at=_ago(now, post.minutes - 7 * number))
        if view.post.poll:
            for name, choice in _VOTES.items():
                async with database.write() as tx:
                    await vote_in_poll(tx, accounts[name], view.post.poll.id, [choice])
    return ids


async def _picture(database: Database, settings: Settings, author: Account, post: DemoPost) -> int:
    content = files("folkmoot").joinpath("commands", "village", f"{post.picture}.jpg").read_bytes()
    store = media_store(settings)
    return (await upload_picture(database, store, author, content, description=post.description)).id


def _ago(now: datetime, minutes: int) -> datetime:
    return now - timedelta(minutes=minutes)
