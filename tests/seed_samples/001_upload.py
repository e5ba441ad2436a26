import boto3
import json

s3 = boto3.client('s3')

# トレーニングデータをアップロード
training_data = [
    {"prompt": "お客様: 製品が壊れています\nエージェント:", "completion": "申し訳ございません。交換の手配をいたします。"},
    {"prompt": "お客様: 注文はいつ届きますか？\nエージェント:", "completion": "注文状況を確認いたします。注文番号を教えていただけますか？"},
    # 例を追加...
]

with open('/tmp/training.jsonl', 'w') as f:
    for item in training_data:
        f.write(json.dumps(item, ensure_ascii=False) + '\n')

s3.upload_file('/tmp/training.jsonl', 'my-bucket', 'training/train.jsonl')
