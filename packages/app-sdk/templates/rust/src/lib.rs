mod blocktree;

use blocktree::{kv, App, Header, HttpAnswer, IncomingRequest, Response, ResponseBody};

struct Visits;

impl App for Visits {
    fn http(&mut self, request: IncomingRequest) -> HttpAnswer {
        if request.path != "/api/visits" {
            return empty(404);
        }
        match kv::increment("visits", 1) {
            Ok(visits) => json(format!("{{\"visits\":{}}}", visits)),
            Err(_) => empty(500),
        }
    }
}

fn empty(status: u32) -> HttpAnswer {
    HttpAnswer::Now(Response { status, headers: vec![], body: ResponseBody::Empty })
}

fn json(text: String) -> HttpAnswer {
    HttpAnswer::Now(Response {
        status: 200,
        headers: vec![Header { name: "content-type".into(), value: "application/json".into() }],
        body: ResponseBody::Content(text.into_bytes()),
    })
}

pub fn blocktree_app() -> Box<dyn App> {
    Box::new(Visits)
}
