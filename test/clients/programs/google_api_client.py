"""Google's client for Python against a server: google_api_client.py URL PHOTO DEPLOYMENT_URI [discovery]

With `discovery` the client is built from the document of the server itself, else from the one that it brings.
Prints one line of JSON with what it saw.
"""
import base64
import json
import sys
import time

from googleapiclient import discovery, errors

url, photo, deployment_uri = sys.argv[1:4]
own_document = sys.argv[4:] == ["discovery"]
if own_document:
    service = discovery.build(
        "ml",
        "v1",
        discoveryServiceUrl=url + "/$discovery/rest?version=v1",
        developerKey="any",
        cache_discovery=False,
    )
else:
    service = discovery.build(
        "ml", "v1", client_options={"api_endpoint": url}, developerKey="any"
    )

parent = "projects/orchard"
models = service.projects().models()
versions = models.versions()
name = parent + "/models/" + ("own" if own_document else "bundled")
seen = {}


def wait(operation):
    while not operation.get("done"):
        time.sleep(0.2)
        operation = service.projects().operations().get(name=operation["name"]).execute()
    return operation


def status_of(request):
    try:
        request.execute()
    except errors.HttpError as error:
        return [error.resp.status, error.reason]


created = models.create(parent=parent, body={"name": name.split("/")[-1], "description": "x"})
seen["created"] = created.execute()["name"]
# The duplicate as Airflow's hook recognises it.
try:
    created.execute()
except errors.HttpError as error:
    detail = json.loads(error.content)["error"]["details"]
    seen["duplicate"] = [error.resp.status, len(detail), detail[0]["fieldViolations"][0]["description"]]

for version in ("v1", "v2"):
    body = {"name": version, "deployment_uri": deployment_uri, "runtime_version": "2.11"}
    operation = wait(versions.create(parent=name, body=body).execute())
    seen[version] = operation["response"]["state"]

# Page by page, as list_next follows them.
request, listed = versions.list(parent=name, pageSize=1), []
while request is not None:
    answer = request.execute()
    listed += [each["name"].split("/")[-1] for each in answer.get("versions", [])]
    request = versions.list_next(request, answer)
seen["listed"] = listed

with open(photo, "rb") as file:
    encoded = base64.b64encode(file.read()).decode()
instances = [{"key": "0", "image_bytes": {"b64": encoded}}]
answer = service.projects().predict(name=name, body={"instances": instances}).execute()
seen["predicted"] = [answer["predictions"][0]["key"], answer["predictions"][0]["labels"][0]]
seen["default"] = versions.setDefault(name=name + "/versions/v2", body={}).execute()["isDefault"]
patched = models.patch(name=name, updateMask="description", body={"description": "y"}).execute()
seen["patched"] = wait(patched)["response"]["description"]
seen["missing"] = status_of(models.get(name=parent + "/models/nope"))
seen["unreadable"] = status_of(service.projects().predict(name=name, body={"instances": ["%"]}))
# As Airflow deletes a model with its versions: those that are not the default first.
for version in ("v1", "v2"):
    wait(versions.delete(name=name + "/versions/" + version).execute())
seen["deleted"] = wait(models.delete(name=name).execute())["done"]
print(json.dumps(seen))
