//! The application with cameras that it really records.

use actix_web::{HttpServer, web};
use media::{CameraSpec, DiagnosisSettings, Engine, EngineConfig, SourceSpec, Supervisor, Transport};
use server::App;
use uuid::Uuid;

use super::{Client, Node, TestApp, add_camera, until};

/// The same application with an engine, at an address of its own.
pub struct WithEngine {
    /// Where it answers.
    pub address: String,
    /// It records here.
    pub engine: Engine,
    _supervisor: Supervisor,
}

impl WithEngine {
    /// Starts it on the database of `app`.
    pub async fn start(app: &TestApp) -> Self {
        let supervisor = Supervisor::new();
        let recordings = app.data.path().join("recordings");
        let mut config = EngineConfig::new(recordings);
        config.analysis.program = Some(env!("CARGO_BIN_EXE_bright-kitchen").into());
        let (engine, events) = Engine::start(config, &supervisor, app.app.clock.clone()).unwrap();
        let with_engine = App { engine: Some(engine.clone()), ..app.app.clone() };
        supervisor.once("media events", server::ingest::run(with_engine.clone(), events, supervisor.hard()));
        let shared = web::Data::new(with_engine);
        let server =
            HttpServer::new(move || server::http::build(shared.clone())).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { address, engine, _supervisor: supervisor }
    }

    /// A camera with a test picture; it has one when this returns.
    pub async fn camera(&self, app: &TestApp, premises: &Node, name: &str) -> Uuid {
        let id = add_camera(app, premises, name).await;
        let source = SourceSpec { url: "test:".parse().unwrap(), username: None, password: None, transport: Transport::Auto };
        let spec = CameraSpec {
            id,
            name: name.to_owned(),
            source,
            sub: None,
            enabled: true,
            armed_hours: None,
            diagnosis: DiagnosisSettings::default(),
            retention_days: None,
        };
        self.engine.apply(spec).await;
        until("the camera has a picture", || async { self.engine.picture_at_ms(id) }).await;
        id
    }

    /// Somebody of the other address, here.
    pub fn client(&self, client: &Client) -> Client {
        Client { base: self.address.clone(), ..client.clone() }
    }
}
