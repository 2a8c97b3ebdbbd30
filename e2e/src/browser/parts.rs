//! What the browser is told over the `DevTools` protocol, and what its logs say.

use serde_json::{Value, json};
use thirtyfour::prelude::WebDriver;

/// The height of the window, in pixels.
const HEIGHT: u32 = 800;

async fn send(driver: &WebDriver, method: &str, parameters: Value) -> Value {
    let answer = driver.cdp().send_raw(method, parameters).await;
    answer.unwrap_or_else(|error| panic!("{method}: {error}"))
}

/// A window narrower than Chromium's own least width is possible only this way.
pub(super) async fn resize(driver: &WebDriver, width: u32) {
    let size = json!({ "width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": false });
    send(driver, "Emulation.setDeviceMetricsOverride", size).await;
}

pub(super) async fn color_scheme(driver: &WebDriver, dark: bool) {
    let value = if dark { "dark" } else { "light" };
    let features = json!({ "features": [
        { "name": "prefers-color-scheme", "value": value },
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ] });
    send(driver, "Emulation.setEmulatedMedia", features).await;
}

/// A PNG of the page in its full height.
pub(super) async fn whole_page(driver: &WebDriver) -> Vec<u8> {
    use base64::Engine as _;
    let metrics = send(driver, "Page.getLayoutMetrics", json!({})).await;
    let size = &metrics["cssContentSize"];
    let clip = json!({
        "x": 0, "y": 0, "scale": 1, "width": size["width"], "height": size["height"],
    });
    let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    let answer = send(driver, "Page.captureScreenshot", wanted).await;
    let text = answer["data"].as_str().unwrap();
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

/// The URLs of the requests that the entries of the performance log tell of.
pub(super) fn requests<'a>(entries: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut urls = Vec::new();
    for entry in entries {
        let entry: Value = serde_json::from_str(entry).unwrap();
        let message = &entry["message"];
        if message["method"] == "Network.requestWillBeSent" {
            let url = message["params"]["request"]["url"].as_str().unwrap();
            if !url.starts_with("data:") {
                urls.push(url.to_owned());
            }
        }
    }
    urls
}

/// Scheme, host and port of a URL.
pub(super) fn origin(url: &str) -> String {
    let end = url.find("://").map_or(0, |at| at + 3);
    let length = url[end..].find(['/', '?', '#']).unwrap_or(url.len() - end);
    url[..end + length].to_owned()
}

/// What axe-core's answer says, a line for each rule that the page breaks.
pub(super) fn violations(answer: &Value) -> Vec<String> {
    let found = answer
        .as_array()
        .unwrap_or_else(|| panic!("axe-core failed: {answer}"));
    let line = |violation: &Value| {
        let nodes = violation["nodes"].as_array().into_iter().flatten();
        let targets: Vec<_> = nodes.map(|node| node["target"].to_string()).collect();
        let text = |name: &str| violation[name].as_str().unwrap_or_default().to_owned();
        format!("{}: {}: {}", text("id"), targets.join(", "), text("help"))
    };
    found.iter().map(line).collect()
}
