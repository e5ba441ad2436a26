// Streams one answer with the unmodified AWS SDK for JavaScript v3 and prints each decoded chunk as a JSON line.
//
//   AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \
//     MODEL_ID=amazon.titan-text-express-v1 [BODY='{"inputText":"Hello"}'] node stream.mjs
//
// Without BODY, the body is Anthropic's where the model id names Anthropic, and Titan's otherwise. The last line is
// {"done": true, "chunks": n}, or {"error": name, "message": …, "status": …} with exit status 1. The SDK's default
// handler for this service speaks HTTP/2, so over http:// the connection is h2c with prior knowledge.
import { BedrockRuntimeClient, InvokeModelWithResponseStreamCommand } from "@aws-sdk/client-bedrock-runtime";

const modelId = process.env.MODEL_ID ?? "amazon.titan-text-express-v1";
const prompt = process.env.PROMPT ?? "Hello";
const titan = { inputText: prompt, textGenerationConfig: { maxTokenCount: 64, temperature: 0 } };
const anthropic = {
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 64,
  messages: [{ role: "user", content: prompt }],
};
const body = process.env.BODY ?? JSON.stringify(modelId.includes("anthropic") ? anthropic : titan);

const client = new BedrockRuntimeClient({ region: process.env.AWS_REGION ?? "us-east-1", maxAttempts: 1 });
const print = (value) => process.stdout.write(JSON.stringify(value) + "\n");
try {
  const response = await client.send(
    new InvokeModelWithResponseStreamCommand({ modelId, body, contentType: "application/json" }),
  );
  let chunks = 0;
  for await (const event of response.body) {
    if (event.chunk) {
      chunks += 1;
      print(JSON.parse(new TextDecoder().decode(event.chunk.bytes)));
    } else {
      print(event);
    }
  }
  print({ done: true, chunks });
} catch (error) {
  print({ error: error.name, message: error.message, status: error.$metadata?.httpStatusCode });
  process.exitCode = 1;
} finally {
  client.destroy();
}
