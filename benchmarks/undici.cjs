// The call of `order.py` by Node's undici; speaks what contender.py speaks. Run as `undici.cjs FOLDER URL`.
"use strict";

const { createInterface } = require("node:readline");
const [folder, url] = process.argv.slice(2);
const { Pool } = require(require.resolve("undici", { paths: [folder] }));

const SECONDS = 30;
const TREE = {
  type: "order.confirmed",
  channel: "sms",
  priority: 3,
  customer: {
    id: (event) => event.customer.id,
    name: (event) => event.customer.name,
    language: "fr-FR",
    address: { city: "Saint-Germain-en-Laye", country: "FR" },
  },
  order: {
    total: (event) => event.total,
    currency: "EUR",
    note:
      "Thank you for your order. It leaves our house tomorrow morning; the parcel can be followed online, " +
      "and it comes to you before noon.",
  },
  tags: (event) => event.tags,
};

function* events(count) {
  for (let i = 0; i < count; i++) {
    yield {
      number: `A ${String(i).padStart(7, "0")}`,
      campaign: `c${i % 97}`,
      customer: { id: `c-${i}`, name: 'Zoë "Zee" Dupont' },
      total: i + 0.25,
      tags: ["new", "web", `shop-${i % 11}`],
    };
  }
}

// As by_hand does: a recursive copy of the tree, its variable leaves being functions of the event.
function filled(node, event) {
  if (typeof node === "function") return node(event);
  if (Array.isArray(node)) return node.map((below) => filled(below, event));
  if (node === null || typeof node !== "object") return node;
  const copy = {};
  for (const name of Object.keys(node)) copy[name] = filled(node[name], event);
  return copy;
}

async function call(pool, event) {
  const { statusCode, body } = await pool.request({
    method: "POST",
    path: `/v1/orders/${encodeURIComponent(event.number)}`,
    headers: { "Content-Type": "application/json", Charset: "UTF-8", "X-Campaign": event.campaign },
    body: JSON.stringify(filled(TREE, event)),
  });
  const answer = await body.json();
  if (statusCode !== 200 || answer.id !== "m-1" || answer.accepted !== true) throw new Error("another answer");
}

async function run(pool, connections, count) {
  const source = events(count);
  const work = async () => {
    for (const event of source) await call(pool, event);
  };
  await Promise.all(Array.from({ length: connections }, work));
}

async function main() {
  console.log("{}");
  let pool, opened;
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if (command.connections !== opened) {
      await pool?.close();
      opened = command.connections;
      const settings = { connections: opened, headersTimeout: SECONDS * 1000, bodyTimeout: SECONDS * 1000 };
      pool = new Pool(url, settings);
    }
    const start = process.hrtime.bigint();
    const used = process.cpuUsage();
    await run(pool, opened, command.calls);
    const { user, system } = process.cpuUsage(used);
    const clock = Number(process.hrtime.bigint() - start) / 1e9;
    console.log(JSON.stringify({ clock, processor: (user + system) / 1e6 }));
  }
  await pool?.close();
}

main();
