// The menu of `menu.py`, served by Node's own http module.
const http = require("node:http");
const zlib = require("node:zlib");

const server = http.createServer(async (request, response) => {
  let received = 0;
  for await (const piece of request) received += piece.length;
  const name = request.url.slice(1);
  const said = JSON.stringify({ framing: name, port: request.socket.remotePort, received });
  const text = { big: "x".repeat(1_000_000), huge: "x".repeat(2_000_000) }[name] ?? said;
  if (name === "204" || name === "304") {
    response.writeHead(Number(name)).end();
  } else if (name === "chunked") {
    response.write(text.slice(0, 5));
    response.end(text.slice(5));
  } else if (name === "close") {
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    response.removeHeader("Transfer-Encoding");
    response.write(text.slice(0, 5));
    response.end(text.slice(5));
  } else if (name === "gzip") {
    const coded = zlib.gzipSync(text);
    response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": coded.length }).end(coded);
  } else if (name === "early") {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.writeProcessing();
    response.writeHead(200, { "Content-Length": text.length }).end(text);
  } else {
    response.writeHead(200, { "Content-Length": text.length }).end(text);
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
