//! Serves virtual cameras until Ctrl-C: `cargo run -p media --example virtual_cameras -- 127.0.0.1:8554 4`,
//! or with a JSON list of [`VirtualCameraConfig`] instead of a number: `… -- 127.0.0.1:8554 cameras.json`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use media::Supervisor;
use media::virtual_camera::{FootageLibrary, Scene, VirtualCameraConfig, VirtualServer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments.next().unwrap_or_else(|| "127.0.0.1:8554".into()).parse()?;
    let what = arguments.next().unwrap_or_else(|| "4".into());
    let cameras: Vec<VirtualCameraConfig> = match what.parse::<usize>() {
        Ok(count) => (0..count).map(place).collect(),
        Err(_) => serde_json::from_slice(&std::fs::read(what)?)?,
    };
    let supervisor = Supervisor::new();
    let server = VirtualServer::start(listen, cameras, FootageLibrary::standard(), &supervisor).await?;
    server.ready().await?;
    for (path, camera) in server.cameras() {
        println!("{}  {}", server.url(path), camera.config().scene.name);
    }
    tokio::signal::ctrl_c().await?;
    supervisor.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

fn place(number: usize) -> VirtualCameraConfig {
    let name = format!("CAMERA {:02}", number + 1);
    VirtualCameraConfig { path: format!("camera{:02}", number + 1), scene: Scene::place(number, &name), ..Default::default() }
}
