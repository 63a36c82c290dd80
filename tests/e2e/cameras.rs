//! A virtual camera for a test, with footage from the library's cache.

use media::Supervisor;
use media::virtual_camera::{Account, AuthScheme, FootageLibrary, Picture, Scene, VirtualCameraConfig, VirtualServer};

/// A cheap camera at `/kitchen` that asks for a password, with the pictures of its incidents encoded beforehand.
pub(crate) async fn kitchen(supervisor: &Supervisor, pictures: &[Picture]) -> VirtualServer {
    let config = VirtualCameraConfig {
        path: "kitchen".to_owned(),
        scene: Scene::small("KITCHEN 1"),
        account: Some(Account { scheme: AuthScheme::Digest, username: "viewer".to_owned(), password: "secret-of-the-camera".to_owned() }),
        ..VirtualCameraConfig::default()
    };
    let server = VirtualServer::start(([127, 0, 0, 1], 0).into(), vec![config], FootageLibrary::standard(), supervisor).await.unwrap();
    server.ready().await.unwrap();
    for picture in pictures {
        server.camera("kitchen").unwrap().prepare(*picture).await.unwrap();
    }
    server
}
