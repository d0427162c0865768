// The page: opening pictures, the webcam, drawing, and saying what goes wrong.

import { Detector } from './detector.js';

const MODEL = 'models/bfbox_0.5g.onnx';
const COLOUR = '#3cdc3c';
const part = (id) => document.getElementById(id);
const canvas = part('picture');
const context = canvas.getContext('2d', { willReadFrequently: true });
const video = part('video');

let detector;
let shown; // the picture and its boxes, drawn again when the threshold moves
let stream;
let opened; // the file that was opened last
let looking = Promise.resolve(); // the runtime computes one picture at a time

function say(text, isError = false) {
  part('message').textContent = text;
  part('message').classList.toggle('error', isError);
}

/** Look at a picture or a frame when the one before is done, and show it. */
function look(source, width, height) {
  const turn = looking.then(() => lookNow(source, width, height));
  looking = turn.catch(() => {});
  return turn;
}

async function lookNow(source, width, height) {
  shown = undefined;
  canvas.width = width;
  canvas.height = height;
  context.drawImage(source, 0, 0, width, height);
  const image = context.getImageData(0, 0, width, height);
  const start = performance.now();
  const boxes = await detector.detect(image, Number(part('size').value));
  shown = { image, boxes, milliseconds: performance.now() - start };
  draw();
}

function draw() {
  const least = Number(part('threshold').value);
  part('least').textContent = least.toFixed(2);
  if (!shown) return;
  const boxes = shown.boxes.filter((box) => box[4] >= least);
  context.putImageData(shown.image, 0, 0);
  const line = Math.max(1, Math.round(Math.max(canvas.width, canvas.height) / 400));
  context.lineWidth = line;
  context.strokeStyle = context.fillStyle = COLOUR;
  context.font = `${8 * line}px system-ui, sans-serif`;
  for (const [left, top, right, bottom, score] of boxes) {
    context.strokeRect(left, top, right - left, bottom - top);
    context.fillText(score.toFixed(2), left, Math.max(top - 2 * line, 8 * line));
  }
  part('boxes').replaceChildren(...boxes.map(row));
  const faces = boxes.length === 1 ? '1 face' : `${boxes.length} faces`;
  say(`${faces} in ${Math.round(shown.milliseconds)} ms`);
}

function row(box) {
  const line = document.createElement('tr');
  box.forEach((value, index) => {
    line.insertCell().textContent = value.toFixed(index < 4 ? 1 : 2);
  });
  return line;
}

async function openPicture(file) {
  stopWebcam();
  opened = file;
  let picture;
  try {
    // As OpenCV reads it: turned as its EXIF data says, colours as they are stored.
    picture = await createImageBitmap(file, { imageOrientation: 'from-image', colorSpaceConversion: 'none' });
  } catch {
    if (file !== opened) return;
    say(`${file.name} is damaged, or no picture that this browser knows; open a JPEG, PNG or WebP file`, true);
    return;
  }
  if (file !== opened) return; // another one was opened, and took less time
  say('Looking ...');
  await look(picture, picture.width, picture.height);
}

async function startWebcam() {
  try {
    // Where the page does not come from this machine or over HTTPS, browsers have no mediaDevices.
    if (!navigator.mediaDevices) throw new Error('this browser gives cameras to pages from https:// and localhost alone');
    stream = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    const reason = error.name === 'NotFoundError' ? 'there is none' : error.message;
    say(`The webcam cannot be used: ${reason}. Open a picture instead.`, true);
    return;
  }
  video.srcObject = stream;
  await video.play();
  part('webcam').textContent = 'Stop the webcam';
  while (stream) {
    await look(video, video.videoWidth, video.videoHeight);
    await new Promise(requestAnimationFrame);
  }
}

function stopWebcam() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = undefined;
  part('webcam').textContent = 'Start the webcam';
}

async function start() {
  if (typeof WebAssembly === 'undefined') {
    say('This browser has no WebAssembly, which the detector runs in; use a current browser, or allow it for this page.', true);
    return;
  }
  say('Loading the detector, 15 MB ...');
  try {
    detector = await Detector.load(MODEL);
  } catch (error) {
    say(`The detector cannot be loaded: ${error.message}`, true);
    return;
  }
  part('file').addEventListener('change', ({ target }) => {
    const [file] = target.files;
    target.value = ''; // so that the same file can be opened again
    if (file) guarded(openPicture)(file);
  });
  part('webcam').addEventListener('click', () => (stream ? stopWebcam() : guarded(startWebcam)()));
  part('threshold').addEventListener('input', draw);
  part('size').addEventListener('change', () => shown && !stream && guarded(again)());
  part('file').disabled = part('webcam').disabled = false;
  say('Ready. Open a picture or start the webcam.');
}

async function again() {
  const { image } = shown;
  await look(await createImageBitmap(image), image.width, image.height);
}

/** What fails is said on the page. */
function guarded(action) {
  return (...given) => action(...given).catch((error) => say(`That did not work: ${error.message}`, true));
}

start();
