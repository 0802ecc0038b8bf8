// One upload by tus-js-client, as told by a JSON object in argv: {endpoint, file, name, delivery, abortAfter, ...options of
// the client}. Prints one JSON object: {url, requests, aborted}. Exit status 1 when the upload failed.
const fs = require("fs");
const { PassThrough } = require("stream");
const tus = require("tus-js-client");

const { endpoint, file, name, delivery, abortAfter, url, asStream, ...options } = JSON.parse(process.argv[2]);
const size = fs.statSync(file).size;
let requests = 0;
let aborted = false;

const metadata = { filename: name, filetype: "application/octet-stream" };
if (delivery) metadata.delivery = delivery;

// A pipe has no length that the client could know; a file's stream has.
const input = asStream ? fs.createReadStream(file).pipe(new PassThrough()) :
  options.parallelUploads ? fs.createReadStream(file) : fs.readFileSync(file);

const upload = new tus.Upload(input, {
  endpoint,
  uploadUrl: url || null,
  metadata,
  uploadSize: options.uploadLengthDeferred || options.parallelUploads ? undefined : size,
  retryDelays: [0, 50, 100, 200, 400, 800, 1600],
  ...options,
  onAfterResponse() {
    requests += 1;
  },
  onChunkComplete(_chunk, accepted) {
    if (abortAfter && !aborted && accepted >= abortAfter) {
      aborted = true;
      upload.abort().then(() => {
        console.log(JSON.stringify({ url: upload.url, requests, aborted }));
        process.exit(0);
      });
    }
  },
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess() {
    console.log(JSON.stringify({ url: upload.url, requests, aborted }));
  },
});
upload.start();
