// The length of a post as the server counts it: base/formatting.py and base/tokens.py do the same.
// A link counts as 23, a mention without its host, an emoji or a letter with its marks as one.
"use strict";

const countCharacters = (() => {
  const LINK = 23, LONGEST_CLUSTER = 12;
  const segmenter = window.Intl?.Segmenter ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;
  const clusters = (text) => {
    if (!segmenter) return [...text.normalize("NFC")].length;
    let length = 0;
    for (const { segment } of segmenter.segment(text)) length += segment.length > 1 ? Math.max(1, [...segment].length - LONGEST_CLUSTER + 1) : 1;
    return length;
  };

  const LETTERS = String.raw`\p{L}\p{M}\p{N}\u200c\u200d`;
  // Scripts without spaces that end a URL after an ASCII letter or digit.
  const ENDING = String.raw`\p{Script=Hiragana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
  const HOST = String.raw`\[[0-9a-f:.]+\]|[${LETTERS}\p{So}_\-]+(?:\.[${LETTERS}\p{So}_\-]+)*`;
  const PATH = String.raw`[!$%&'()*+,\-.:;=@\[\]_{|}~#?\/${LETTERS}]|[–·・׳״](?=[${LETTERS}])`;
  const url = new RegExp(String.raw`(^|[^A-Za-z0-9_])https?:\/\/(${HOST})((?::[0-9]{1,5})?)((?:[\/?#](?:${PATH})*)?)`, "giu");
  const beforeEnding = new RegExp(String.raw`^[\/?#&=][!-~]*[A-Za-z0-9](?=[${ENDING}])`, "u");
  const mention = new RegExp(String.raw`(@[A-Za-z0-9_]+(?:[.\-]+[A-Za-z0-9_]+)*)@([${LETTERS}_\-]+(?:\.[${LETTERS}_\-]+)*)(?::[0-9]{1,5})?`, "gu");
  const BRACKETS = { ")": "(", "]": "[", "}": "{" };

  /** The path without what follows it in a text without spaces, and without the punctuation that ends a sentence. */
  const ofPath = (path) => {
    let end = 0;
    for (const [segment] of path.matchAll(/[\/?#&=][^\/?#&=]*/g)) {
      const cut = segment.match(beforeEnding);
      end += cut ? cut[0].length : segment.length;
      if (cut) break;
    }
    const amount = (letter) => path.slice(0, end).split(letter).length - 1, surplus = {};
    for (const last in BRACKETS) surplus[last] = amount(last) - amount(BRACKETS[last]);
    for (; end; end--) {
      const last = path[end - 1];
      if (!".,:;!?'*_~".includes(last) && !(surplus[last]-- > 0)) break;
    }
    return path.slice(0, end);
  };

  /** What follows a host at the beginning: a top-level domain is of one script. */
  const afterHost = (host) => {
    const last = host.lastIndexOf(".") + 1, latin = host.slice(last).match(/^[A-Za-z0-9-]+(?=[^\x00-\x7f])/);
    return latin ? host.slice(last + latin[0].length) : "";
  };
  const shorten = (text) => text.replace(url, (whole, before, host, port, path, at) => {
    const start = at + before.length;
    if (/^https?:\/\/[\w.~%!$&'()*+,;=:\-]{0,200}@/i.test(text.slice(start, start + 210))) return whole;  // a user name: plain text
    const other = afterHost(host), rest = other ? other + port + path : path.slice(ofPath(path).length);
    return before + "x".repeat(LINK) + (rest.includes("//") ? shorten(rest) : rest);
  });

  return (text) => clusters(shorten(text).replace(mention, (whole, name, host) => name + afterHost(host)));
})();
