// A client as openapi-typescript generates it (schema.d.ts), run once: what it prints is what the test looks at.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };
const [, , baseUrl, sid, token] = process.argv as [string, string, string, string, string];
const client = createClient<paths>({ baseUrl, headers: { Authorization: "Basic " + btoa(`${sid}:${token}`) } });

const sent = await client.POST("/sms/messages/", {
    params: { header: { "Idempotency-Key": "from-the-generated-client" } },
    body: { message: "see https://example.com/", recipient: ["+4915112345678", "+4915112345679"], sender: "Shop", track_link: true,
            tags: ["a", "b"], priority: 9, flash: false, validity: 3600, on_uncertain: "fail" },
});
const msgid: string = sent.data![0]!.msgid;
const one = await client.GET("/sms/messages/{msgid}/", { params: { path: { msgid } } });
const message: components["schemas"]["Message"] = one.data!;
const today: string = message.sent_time.slice(0, 10);
const list = await client.GET("/sms/messages/", { params: { query: { sent_date: [`>=${today}`, `<=${today}`], limit: 1 } } });
const wrong = await client.POST("/sms/messages/", { body: { message: "x", recipient: "nobody", sender: "Shop" } });
const modems = await client.GET("/modems/");
const health = await client.GET("/healthz");
console.log(JSON.stringify({
    sent: sent.data!.length, msgid, tags: message.tags, shortlink: message.link_tracking?.shortlink, listed: list.data!.length,
    wrong: wrong.error, wrongStatus: wrong.response.status, modem: modems.data![0]!.name, health: health.data!.status,
}));
