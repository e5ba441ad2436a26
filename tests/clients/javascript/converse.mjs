// One conversation by Converse and by ConverseStream with the unmodified AWS SDK for JavaScript v3.
//
//   AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \
//     MODEL_ID=anthropic.claude-3-haiku-20240307-v1:0 node converse.mjs
//
// Prints one line of JSON: {"text", "stopReason", "usage", "pieces", "streamed"}, where "streamed" names the events.
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";

const request = {
  modelId: process.env.MODEL_ID,
  system: [{ text: "Be brief." }],
  messages: [{ role: "user", content: [{ text: process.env.PROMPT ?? "Hello." }] }],
  inferenceConfig: { maxTokens: 8, temperature: 0 },
};
const client = new BedrockRuntimeClient({ region: process.env.AWS_REGION, maxAttempts: 1 });
const whole = await client.send(new ConverseCommand(request));
const pieces = [];
const streamed = [];
const answer = await client.send(new ConverseStreamCommand(request));
for await (const event of answer.stream) {
  streamed.push(Object.keys(event)[0]);
  if (event.contentBlockDelta) pieces.push(event.contentBlockDelta.delta.text);
}
const text = whole.output.message.content[0].text;
console.log(JSON.stringify({ text, stopReason: whole.stopReason, usage: whole.usage, pieces, streamed }));
client.destroy();
