// A day of two members with megalodon. Each assertion that fails ends the process with an error.

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import generator, { detector } from "megalodon";

const { NETWORK: url, JANA: janas, KAREL: karels, PICTURE: picture } = process.env;
const jana = generator("mastodon", url, janas);
const karel = generator("mastodon", url, karels);
const [her, his] = (await Promise.all([jana.verifyAccountCredentials(), karel.verifyAccountCredentials()])).map((one) => one.data);

const arrives = async (find) => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await find();
    if (found) return found;
    assert.ok(Date.now() < deadline, `it did not come: ${find}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

// Discovery and log-in as a program.
assert.equal(await detector(url), "mastodon");
const app = await jana.registerApp("megalodon", { scopes: ["read", "write", "follow"] });
assert.ok(app.url.startsWith(`${url}/oauth/authorize?`));
const instance = (await generator("mastodon", url).getInstance()).data;
assert.ok(instance.configuration.statuses.max_characters >= 500);

// The home, live.
const heard = [];
const stream = await karel.userStreaming();
for (const event of ["update", "notification", "delete", "status_update", "conversation"]) {
  stream.on(event, (payload) => heard.push([event, payload.id ?? payload]));
}
await new Promise((resolve) => stream.on("connect", resolve));
const hears = (event, id) => arrives(() => heard.some((one) => one[0] === event && (id === undefined || one[1] === id)));

// A post with a picture, answered, marked and edited.
const media = (await jana.uploadMedia(createReadStream(picture), { description: "Hnědá plocha" })).data;
const post = (await jana.postStatus("S obrázkem", { media_ids: [media.id], spoiler_text: "hnědá", visibility: "public" })).data;
assert.equal(post.media_attachments[0].description, "Hnědá plocha");
await hears("update", post.id);
const answer = (await karel.postStatus(`@${her.acct} dobré ráno`, { in_reply_to_id: post.id })).data;
assert.deepEqual((await jana.getStatusContext(post.id)).data.descendants.map((one) => one.id), [answer.id]);
assert.ok((await karel.favouriteStatus(post.id)).data.favourited);
assert.ok((await karel.reblogStatus(post.id)).data.reblog.reblogged);
assert.ok((await karel.bookmarkStatus(post.id)).data.bookmarked);
assert.deepEqual((await karel.getBookmarks()).data.map((one) => one.id), [post.id]);
assert.deepEqual((await jana.getStatusFavouritedBy(post.id)).data.map((one) => one.id), [his.id]);
await jana.editStatus(post.id, { status: "S obrázkem od řeky", media_ids: [media.id] });
await hears("status_update", post.id);
assert.equal((await jana.getStatusSource(post.id)).data.text, "S obrázkem od řeky");
const got = await arrives(async () => {
  const kinds = (await jana.getNotifications()).data.map((one) => one.type);
  return ["mention", "favourite", "reblog"].every((kind) => kinds.includes(kind)) && kinds;
});
assert.equal(got.length, new Set(got).size);
await jana.dismissNotifications();
assert.deepEqual((await jana.getNotifications()).data, []);

// Pages, a poll, a list, a filter, a scheduled post, hashtags, marks on accounts, a conversation.
const one = (await jana.getAccountStatuses(her.id, { limit: 1 }));
assert.match(one.headers.link, /rel="prev"/);
const asked = (await karel.postStatus("Jdeme?", { poll: { options: ["ano", "ne"], expires_in: 600 } })).data;
assert.deepEqual((await jana.votePoll(asked.poll.id, [0])).data.voted, true);
assert.ok((await jana.followAccount(his.id, { reblog: true })).data.following);
const list = (await jana.createList("Sousedé")).data;
await jana.addAccountsToList(list.id, [his.id]);
assert.deepEqual((await jana.getAccountsInList(list.id)).data.map((account) => account.id), [his.id]);
await jana.deleteList(list.id);
const filter = (await jana.createFilter("tramvaj", ["home"], { whole_word: true })).data;
assert.deepEqual((await jana.getFilters()).data.map((each) => each.phrase), ["tramvaj"]);
await jana.deleteFilter(filter.id);
const later = (await jana.postStatus("Zítra", { scheduled_at: new Date(Date.now() + 86_400_000).toISOString() })).data;
assert.deepEqual((await jana.getScheduledStatuses()).data.map((each) => each.id), [later.id]);
await jana.cancelScheduledStatus(later.id);
assert.ok((await jana.followTag("kasna")).data.following);
assert.ok((await jana.muteAccount(his.id, false)).data.muting);
assert.ok(!(await jana.unmuteAccount(his.id)).data.muting);
await jana.postStatus(`@${his.acct} důvěrně`, { visibility: "direct" });
await hears("notification");
assert.ok(await arrives(async () => (await karel.getConversationTimeline()).data[0]));
await jana.saveMarkers({ home: { last_read_id: asked.id } });
assert.equal((await jana.getMarkers(["home"])).data.home.last_read_id, asked.id);
assert.deepEqual((await jana.search(his.acct, { type: "accounts" })).data.accounts.map((account) => account.id), [his.id]);

await jana.deleteStatus(post.id);
await hears("delete", post.id);
stream.stop();
console.log("the day is over");
process.exit(0); // its timers would keep the process
