// A day of two members with masto.js. Each assertion that fails ends the process with an error.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRestAPIClient, createStreamingAPIClient } from "masto";

const { NETWORK: url, JANA: janas, KAREL: karels, PICTURE: picture } = process.env;
const jana = createRestAPIClient({ url, accessToken: janas });
const karel = createRestAPIClient({ url, accessToken: karels });
const nobody = createRestAPIClient({ url });
const [her, his] = await Promise.all([jana.v1.accounts.verifyCredentials(), karel.v1.accounts.verifyCredentials()]);

const refusal = (promise) => promise.then(() => assert.fail("it was not refused"), (error) => error);
const arrives = async (find) => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await find();
    if (found) return found;
    assert.ok(Date.now() < deadline, `it did not come: ${find}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

// Discovery, and errors as the library reads them.
const instance = await nobody.v2.instance.fetch();
assert.ok(instance.configuration.statuses.maxCharacters >= 500);
assert.equal((await refusal(nobody.v1.timelines.home.list())).statusCode, 401);
assert.equal((await refusal(jana.v1.statuses.$select("1").fetch())).statusCode, 404);
const refused = await refusal(jana.v1.statuses.create({ status: "" }));
assert.equal(refused.statusCode, 422);
assert.match(refused.message, /Validation failed/);

// Streams over one WebSocket: the home, and a hashtag that is subscribed to later.
const tag = `den${Date.now()}`;
const streaming = createStreamingAPIClient({ streamingApiUrl: instance.configuration.urls.streaming, accessToken: karels });
await streaming.prepare();
const heard = [];
const subscriptions = [streaming.user.subscribe(), streaming.hashtag.subscribe({ tag })];
for (const subscription of subscriptions) {
  (async () => {
    for await (const event of subscription) heard.push(event);
  })();
}
const hears = (stream, event, id) => arrives(() => heard.find((one) =>
  one.event === event && one.stream.includes(stream) && (one.payload.id ?? one.payload) === id));

// A post with a picture, answered, marked and edited. Subscribing has no answer, so the first posts may come too early.
const media = await jana.v2.media.create({ file: new Blob([await readFile(picture)]), description: "Hnědá plocha" });
const made = [];
const post = await arrives(async () => {
  made.push(await jana.v1.statuses.create({ status: `Ráno #${tag}`, visibility: "public" }));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return made.find((one) => heard.some((event) => event.stream.includes("hashtag") && event.payload.id === one.id));
});
await hears("user", "update", post.id);
const shown = await jana.v1.statuses.create({ status: "S obrázkem", mediaIds: [media.id], sensitive: true, spoilerText: "hnědá" });
assert.equal(shown.mediaAttachments[0].description, "Hnědá plocha");
const answer = await karel.v1.statuses.create({ status: `@${her.acct} dobré ráno`, inReplyToId: post.id });
assert.deepEqual((await nobody.v1.statuses.$select(post.id).context.fetch()).descendants.map((one) => one.id), [answer.id]);
assert.ok((await karel.v1.statuses.$select(post.id).favourite()).favourited);
assert.ok((await karel.v1.statuses.$select(post.id).reblog()).reblog.reblogged);
assert.ok((await karel.v1.statuses.$select(post.id).bookmark()).bookmarked);
assert.deepEqual((await karel.v1.bookmarks.list()).map((one) => one.id), [post.id]);
await jana.v1.statuses.$select(post.id).update({ status: `Dopoledne #${tag}` });
await hears("user", "status.update", post.id);
assert.equal((await jana.v1.statuses.$select(post.id).history.list()).length, 2);

// Notifications, one by one and in groups.
await arrives(async () => {
  const kinds = new Set((await jana.v1.notifications.list()).map((one) => one.type));
  return ["mention", "favourite", "reblog"].every((kind) => kinds.has(kind));
});
const grouped = await jana.v2.notifications.list();
const favourites = grouped.notificationGroups.find((group) => group.type === "favourite");
assert.deepEqual([favourites.statusId, favourites.sampleAccountIds], [post.id, [his.id]]);
await jana.v1.notifications.clear();
assert.deepEqual(await jana.v1.notifications.list(), []);

// Pages by their links.
for (const number of [1, 2, 3, 4]) await jana.v1.statuses.create({ status: `Číslo ${number}` });
const own = jana.v1.accounts.$select(her.id).statuses.list({ limit: 2, excludeReplies: true });
const pages = [];
for await (const page of own) pages.push(page.map((one) => one.id));
assert.equal(new Set(pages.flat()).size, pages.flat().length);
assert.ok(pages.length >= 3);
assert.ok(pages.flat().includes(post.id));

// A list, a filter, a poll, a conversation, a marker, a note, search.
const list = await jana.v1.lists.create({ title: "Sousedé", repliesPolicy: "none" });
await jana.v1.accounts.$select(his.id).follow();
await jana.v1.lists.$select(list.id).accounts.create({ accountIds: [his.id] });
assert.deepEqual((await jana.v1.lists.$select(list.id).accounts.list()).map((one) => one.id), [his.id]);
const asked = await karel.v1.statuses.create({ status: "Jdeme na tramvaj?", poll: { options: ["ano", "ne"], expiresIn: 600 } });
await arrives(async () => (await jana.v1.timelines.list.$select(list.id).list()).some((one) => one.id === asked.id));
assert.deepEqual((await jana.v1.polls.$select(asked.poll.id).votes.create({ choices: [1] })).ownVotes, [1]);
const filter = await jana.v2.filters.create({
  title: "Doprava", context: ["public"], filterAction: "warn", keywordsAttributes: [{ keyword: "tramvaj", wholeWord: true }],
});
const filtered = (await jana.v1.timelines.public.list()).find((one) => one.id === asked.id).filtered;
assert.deepEqual(filtered.map((one) => [one.filter.id, one.keywordMatches]), [[filter.id, ["tramvaj"]]]);
await jana.v2.filters.$select(filter.id).remove();
await karel.v1.statuses.create({ status: `@${her.acct} důvěrně`, visibility: "direct" });
const conversation = await arrives(async () => (await jana.v1.conversations.list())[0]);
assert.ok(!(await jana.v1.conversations.$select(conversation.id).read()).unread);
await jana.v1.markers.create({ home: { lastReadId: asked.id } });
assert.equal((await jana.v1.markers.fetch({ timeline: ["home"] })).home.lastReadId, asked.id);
assert.equal((await jana.v1.accounts.$select(his.id).note.create({ comment: "soused" })).note, "soused");
assert.deepEqual((await jana.v2.search.list({ q: his.acct, type: "accounts" })).accounts.map((one) => one.id), [his.id]);

await jana.v1.statuses.$select(post.id).remove();
await hears("user", "delete", post.id);
for (const subscription of subscriptions) subscription.unsubscribe();
streaming.close();
console.log("the day is over");
