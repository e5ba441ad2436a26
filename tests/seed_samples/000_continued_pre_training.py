import boto3
import json

# Bedrockクライアントの初期化
bedrock = boto3.client(
    service_name='bedrock',
    region_name='us-west-2'
)

# Continued Pre-trainingジョブの作成
pre_training_job = bedrock.create_continued_pre_training_job(
    modelId='anthropic.claude-v2',
    jobName='medical-domain-pretraining',
    trainingData={
        's3Uri': 's3://my-bucket/medical-texts.json'
    },
    hyperParameters={
        'learning_rate': 0.00001,
        'epochs': 5,
        'batch_size': 8,
        'max_sequence_length': 2048
    },
    validationData={
        's3Uri': 's3://my-bucket/medical-validation.json'
    }
)

# ジョブの状態確認
job_status = bedrock.describe_continued_pre_training_job(
    jobId=pre_training_job['jobId']
)
