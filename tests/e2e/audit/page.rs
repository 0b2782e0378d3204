//! The report's page as a browser shows it: narrow and wide, light and dark.

use super::replay::releases;
use crate::common::{PROD, World, command, run};
use std::path::{Path, PathBuf};

/// A page with the report in a frame of this width, and a script, which the report itself forbids, that
/// says how wide the report came out and which colour it is on.
fn framed(world: &World, report: &Path, width: u32) -> PathBuf {
    let path = world.path(&format!("frame-{width}.html"));
    let text = format!(
        "<!doctype html><body><iframe id=f style='width:{width}px;height:900px;border:0' src='{}'></iframe>\n\
         <pre id=said></pre><script>onload = () => {{\n\
         const d = document.getElementById('f').contentDocument, e = d.documentElement;\n\
         const wide = [...d.querySelectorAll('body *')].filter(x => !x.closest('.wide')\n\
           && x.getBoundingClientRect().right > e.clientWidth + 1).map(x => x.tagName);\n\
         const colour = getComputedStyle(d.body).backgroundColor;\n\
         const text = getComputedStyle(d.body).color;\n\
         document.getElementById('said').textContent = JSON.stringify({{ scroll: e.scrollWidth,\n\
           client: e.clientWidth, wide, colour, text, h1: d.querySelector('h1').textContent }});\n\
         }}</script>",
        report.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn chromium(world: &World, more: &[&str], page: &Path) -> Vec<u8> {
    let mut chromium = command("chromium", &world.path("home/server"));
    chromium
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--allow-file-access-from-files",
            "--virtual-time-budget=5000",
        ])
        .arg(format!(
            "--user-data-dir={}",
            world.path("chromium").display()
        ))
        .args(more)
        .arg(format!("file://{}", page.display()));
    let ran = run(&mut chromium);
    ran.assert_ok();
    ran.out
}

/// What the script said.
fn said(world: &World, report: &Path, width: u32, more: &[&str]) -> serde_json::Value {
    let page = framed(world, report, width);
    let dom = chromium(world, &[&["--dump-dom"], more].concat(), &page);
    let dom = String::from_utf8(dom).unwrap();
    let (_, said) = dom.split_once("<pre id=\"said\">").unwrap();
    let (said, _) = said.split_once("</pre>").unwrap();
    serde_json::from_str(&said.replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

/// How bright a colour like `rgb(1, 2, 3)` is.
fn brightness(colour: &serde_json::Value) -> u32 {
    let digits = colour.as_str().unwrap().trim_start_matches("rgba(");
    let digits = digits.trim_start_matches("rgb(").trim_end_matches(')');
    let parts = digits.split(", ").take(3);
    parts.map(|part| part.parse::<u32>().unwrap()).sum()
}

#[test]
fn the_page_fits_a_phone_and_a_desk_by_day_and_by_night() {
    let world = World::new();
    releases(&world, "index.html");
    let dana = world.person("dana");
    dana.takes("prod");
    dana.commits("a/rather/long/path/that/somebody/thought/of/index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    let report = world.path("report.html");
    let path = report.to_str().unwrap().to_owned();
    world.relhook(&["report", "--output", &path]).assert_ok();
    assert!(
        std::fs::read_to_string(&report)
            .unwrap()
            .contains(PROD.rsplit('/').next().unwrap())
    );
    let dark = "--blink-settings=preferredColorScheme=0";
    let light = "--blink-settings=preferredColorScheme=1";
    for width in [390, 1280] {
        let mut grounds = Vec::new();
        for scheme in [light, dark] {
            let said = said(&world, &report, width, &["--window-size=1400,1000", scheme]);
            assert_eq!(said["scroll"], said["client"], "{width}: {said}");
            assert!(
                said["wide"].as_array().unwrap().is_empty(),
                "{width}: {said}"
            );
            assert_eq!(said["h1"], "acme/site: what reached production");
            let (ground, text) = (brightness(&said["colour"]), brightness(&said["text"]));
            assert!(ground.abs_diff(text) > 350, "{width}: {said}");
            grounds.push(ground);
        }
        assert!(grounds[0] > grounds[1], "{width}: {grounds:?}");
        // And it can be drawn.
        let shot = world.path(&format!("shot-{width}.png"));
        let to = format!("--screenshot={}", shot.display());
        let size = format!("--window-size={width},2000");
        chromium(&world, &[&to, &size, light], &report);
        assert!(std::fs::metadata(&shot).unwrap().len() > 10_000);
    }
}
