// Shrinks a chosen photo that is larger than the server accepts, before it is sent. Without this script the server refuses it.
"use strict";

const LARGEST = 3840 * 2160;  // pixels that the server keeps
const ANIMATED = /acTL|ANIM|avis/, FIRST_BYTES = 65_536;
const shrinking = new Map();  // by input: what a form waits for before it is sent

const isAnimated = async (file) => file.type === "image/gif" || ANIMATED.test(await file.slice(0, FIRST_BYTES).text());

/** The picture in a size that the server accepts; null if it is small enough already, or cannot be shrunk here. */
async function shrunk(file, mostBytes, mostPixels) {
  const isLarge = file.size > mostBytes;
  if (!isLarge && (file.type === "image/jpeg" || file.size < 1_000_000)) return null;  // the server shrinks large JPEGs itself
  if (await isAnimated(file)) return null;
  const bitmap = await createImageBitmap(file), pixels = bitmap.width * bitmap.height;
  if (!isLarge && pixels <= mostPixels) return null;
  const ratio = Math.min(1, Math.sqrt(LARGEST / pixels)), canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * ratio));
  canvas.height = Math.max(1, Math.round(bitmap.height * ratio));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const type = file.type === "image/jpeg" || /hei[cf]$/.test(file.type) ? "image/jpeg" : "image/webp";  // WebP keeps transparency
  const blob = await new Promise((done) => { canvas.toBlob(done, type, 0.92); });
  return new File([blob], file.name.replace(/(\.\w+)?$/, `.${blob.type.split("/")[1].replace("jpeg", "jpg")}`), { type: blob.type });
}

function complain(input, text) {
  const line = document.createElement("p");
  line.className = "wrong";
  line.id = `${input.id}-error`;
  line.setAttribute("role", "alert");
  line.textContent = text;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", line.id);
  (input.closest(".file") ?? input).after(line);
}

async function prepare(input) {
  const file = input.files[0], isRecording = Boolean(file && input.dataset.mostRecordingBytes && /^(video|audio)\//.test(file.type));
  const mostBytes = Number(isRecording ? input.dataset.mostRecordingBytes : input.dataset.mostBytes);
  document.getElementById(`${input.id}-error`)?.remove();
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
  if (!file) return;
  const small = isRecording ? null : await shrunk(file, mostBytes, Number(input.dataset.mostPixels)).catch(() => null);  // the browser cannot decode it
  if (input.files[0] !== file) return;  // another one was chosen meanwhile
  if (small && small.size <= mostBytes) {
    const chosen = new DataTransfer();
    chosen.items.add(small);
    input.files = chosen.files;
  } else if (file.size > mostBytes) {
    input.value = "";
    input.dispatchEvent(new Event("change", { bubbles: true }));
    complain(input, `${file.name}: ${isRecording ? input.dataset.recordingTooLarge : input.dataset.tooLarge}`);
  }
}

document.querySelectorAll("input[type=file][data-most-bytes]").forEach((input) => {
  input.addEventListener("change", () => {
    const work = prepare(input).finally(() => { if (shrinking.get(input) === work) shrinking.delete(input); });
    shrinking.set(input, work);
  });
  input.form.addEventListener("submit", async (event) => {
    if (!shrinking.size) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    await Promise.all(shrinking.values());
    if (input.form.querySelector(".wrong[role=alert]")) return;  // the member first reads what is missing
    input.form.requestSubmit(event.submitter);
  }, { capture: true });
});
