"""The same stages with Label Studio's Segment Anything example, as its own README leads through them.

github.com/HumanSignal/label-studio-ml-backend, label_studio_ml/examples/segment_anything_model: the way that
it recommends, with Docker Compose, which serves MobileSAM. It is counted, not run: no seconds of a computer.
"""

from __future__ import annotations

from docs.walk.gestures import Gestures

ADDRESS = "http://192.168.1.36:8080"
START = (
    "docker run -it -p 8080:8080 -v $(pwd)/mydata:/label-studio/data"
    " --env LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true"
    " --env LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=/label-studio/data/images heartexlabs/label-studio:latest"
)
CLONE = "git clone https://github.com/humansignal/label-studio-ml-backend"
FOLDER = "cd label-studio-ml-backend/label_studio_ml/examples/segment_anything_model"


def stages(pictures: int, clicks: int) -> dict[str, Gestures | str]:
    """Stage → its gestures, or why there are none. pictures: how many are annotated, one object each; clicks:
    made on them, taken to be as many as click99's annotator made, but at least one each."""
    return {
        "install": install(),
        "try": "no page to try it on",
        "connect": connect(),
        "preannotate": "its `predict` answers nothing without a click",
        "correct": annotate(pictures, max(clicks, pictures)),
        "statistics": "none",
        "finetune": "it does not learn",
        "serve": "nothing new to serve",
        "coco": "“COCO and YOLO format is not supported”",
    }


def install() -> Gestures:
    """An account, a token from its page for docker-compose.yml (menu, Account & Settings, copy, paste), and
    two containers."""
    account = (ADDRESS, "me@example.com", "a-password")
    backend = (CLONE, FOLDER, "vi docker-compose.yml", ADDRESS, "docker compose up --build")
    return Gestures(1 + 4, (START, *account, "ip a", *backend))


def connect() -> Gestures:
    """Create, Labeling Setup, custom template, Code, copy and paste of the sample, Save; Settings, Model,
    Connect Model, interactive preannotations, Validate and Save; Import, Upload Files, choose all, open,
    Import, back to the tasks."""
    return Gestures(18, ("My project", "SAM", "http://192.168.1.36:9090"))


def annotate(pictures: int, clicks: int) -> Gestures:
    """Once: Auto-Annotation and the smart keypoint. A label before every click, since Label Studio lets go of
    it; on each picture the check mark below it, Submit, and the next task."""
    return Gestures(2 + 2 * clicks + 3 * pictures)
