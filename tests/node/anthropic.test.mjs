// The official @anthropic-ai/sdk package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { apiKey, EMAIL, listed, next, root, SAID, TEXT } from "./side.mjs";

const client = new Anthropic({ baseURL: root, apiKey, authToken: null, maxRetries: 0 });
const messages = [{ role: "user", content: TEXT }];
const options = { model: "claude-x", max_tokens: 2000 };
const tools = [{ name: "look_up", input_schema: { type: "object", properties: { name: { type: "string" } } } }];

test("whole", async () => {
  const answer = await client.messages.create({ ...options, messages, system: `Sign as ${EMAIL}` });
  assert.deepEqual(answer.content.map((block) => block.text), [SAID]);
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer._request_id);
});

test("streamed", async () => {
  const events = await listed(client.messages.create({ ...options, messages, stream: true }));
  const pieces = events.filter((event) => event.type === "content_block_delta").map((event) => event.delta.text);
  assert.equal(pieces.join(""), SAID);
  assert.equal(events.at(-1).type, "message_stop");
  const stream = client.messages.stream({ ...options, messages });
  assert.equal(await stream.finalText(), SAID);
});

test("a tool and its result", async () => {
  const first = await client.messages.create({ ...options, messages, tools });
  const [call] = first.content;
  assert.deepEqual([first.stop_reason, call.name, call.input], ["tool_use", "look_up", { name: TEXT }]);
  const result = { type: "tool_result", tool_use_id: call.id, content: `found ${EMAIL}` };
  const history = [...messages, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
  const second = await client.messages.create({ ...options, messages: history, tools });
  assert.equal(second.content[0].text, `You said: found ${EMAIL}`);
});

test("a streamed tool", async () => {
  const final = await client.messages.stream({ ...options, messages, tools }).finalMessage();
  assert.deepEqual(final.content[0].input, { name: TEXT });
});

test("thinking", async () => {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const final = await client.messages.stream({ ...options, messages, thinking }).finalMessage();
  assert.deepEqual(final.content.map((block) => block.thinking ?? block.text), [`They said: ${TEXT}`, SAID]);
});

test("errors are typed", async () => {
  const ask = (other = client, more = {}) => other.messages.create({ ...options, messages, ...more });
  await assert.rejects(ask(client.withOptions({ apiKey: "wrong" })), Anthropic.AuthenticationError);
  await assert.rejects(ask(client, { model: "no-such-model" }), Anthropic.NotFoundError);
  await assert.rejects(ask(client, { messages: [] }), Anthropic.BadRequestError);
  await next("busy");
  await assert.rejects(ask(), (error) => {
    assert.ok(error instanceof Anthropic.RateLimitError);
    return error.headers.get("retry-after") === "7";
  });
  await next("down");
  await assert.rejects(ask(), Anthropic.InternalServerError);
});

test("a stream that breaks never looks complete", async () => {
  for (const scene of ["fail", "cut"]) {
    await next(scene);
    const seen = [];
    await assert.rejects(async () => {
      for await (const event of await client.messages.create({ ...options, messages, stream: true })) seen.push(event);
    });
    assert.ok(seen.length > 0);
    assert.ok(seen.every((event) => event.type !== "message_stop"));
  }
});
