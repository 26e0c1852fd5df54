"""A workload of one's own with plain calls. Run it with `pytest examples/test_my_own_workload.py`."""

from botocore.exceptions import ClientError

from s3prod.testing import random_string, run_concurrent_operations

WORKERS, JOBS = 8, 25


def test_production_job_claims(s3_client, config, needs):
    """
    Job claims: workers share a list of jobs and take one by creating its claim.

    What it tests:
    - of the workers that claim a job at once exactly one succeeds, and the others are told so (412 or 409)
    - the claim that is stored is the winner's
    - a listing shows the claims of all jobs

    Why it matters:
    - a job that two workers hold is done twice: charges, mails, orders
    """
    needs("cond_put_none_match")
    bucket = f"{config['s3_bucket_prefix']}-job-claims-{random_string()}"
    winners = {f"claims/{job:04}": [] for job in range(JOBS)}

    def claim_all(worker):
        for key in winners:
            try:
                s3_client.put_object(bucket, key, f"worker {worker}".encode(), IfNoneMatch="*")
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 412):
                    raise
            else:
                winners[key].append(worker)

    s3_client.create_bucket(bucket)
    try:
        metrics = run_concurrent_operations(claim_all, WORKERS, 0)
        assert metrics.max_in_flight == WORKERS, f"only {metrics.max_in_flight} workers were at it at once"

        wrong = {key: workers for key, workers in winners.items() if len(workers) != 1}
        assert not wrong, f"jobs that no worker, or more than one, holds: {wrong}"
        for key, [worker] in winners.items():
            stored = s3_client.get_object(bucket, key)["Body"].read().decode()
            assert stored == f"worker {worker}", f"{key}: {stored} is stored, but worker {worker} won"
        listed = [entry["Key"] for entry in s3_client.list_objects(bucket, "claims/", max_keys=10)]
        assert listed == sorted(winners), f"the listing shows {len(listed)} claims of {JOBS}"
    finally:
        s3_client.empty_bucket(bucket)
        s3_client.delete_bucket(bucket)
