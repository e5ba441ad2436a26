import boto3
import json

# Bedrockクライアントの初期化
bedrock = boto3.client(
    service_name='bedrock-runtime',
    region_name='us-west-2'
)

# カスタマイズされたモデルの使用
response = bedrock.invoke_model(
    modelId='my-custom-model-id',
    body=json.dumps({
        "prompt": "患者の症状について詳しく説明してください。",
        "max_tokens": 500,
        "temperature": 0.7
    })
)

# レスポンスの処理
response_body = json.loads(response['body'].read())
generated_text = response_body['completion']
