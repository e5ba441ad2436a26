import boto3
import json

# Bedrockクライアントの初期化
bedrock = boto3.client(
    service_name='bedrock',
    region_name='us-west-2'
)

# ファインチューニングジョブの作成
fine_tuning_job = bedrock.create_fine_tuning_job(
    modelId='anthropic.claude-v2',
    jobName='customer-service-finetuning',
    trainingData={
        's3Uri': 's3://my-bucket/customer-service-data.json'
    },
    hyperParameters={
        'learning_rate': 0.0001,
        'epochs': 3,
        'batch_size': 4
    },
    validationData={
        's3Uri': 's3://my-bucket/validation-data.json'
    }
)

# ジョブの状態確認
job_status = bedrock.describe_fine_tuning_job(
    jobId=fine_tuning_job['jobId']
)
