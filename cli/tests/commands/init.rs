//! `ferrogate init`.

use super::support::Folder;

const WRITTEN: [&str; 6] =
    [".dev.vars", ".gitignore", "README.md", "gateway.schema.json", "gateway.toml", "wrangler.toml"];

#[test]
fn a_new_gateway_is_good_and_all_its_variables_have_values() {
    let folder = Folder::new("init_new");
    let ran = folder.run("init deep/My.Gateway");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)));
    for name in WRITTEN {
        assert!(ran.out.contains(&format!("wrote deep/My.Gateway/{name}\n")), "{}", ran.out);
    }
    assert_eq!(ran.out.lines().count(), WRITTEN.len());
    let ran = folder.run("check deep/My.Gateway/gateway.toml --deny-warnings");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)), "{}", ran.out);
    let routes = folder.run("routes deep/My.Gateway/gateway.toml").out;
    assert!(routes.contains("/hello") && routes.contains("main (items:read)"), "{routes}");
    for name in WRITTEN {
        let content = folder.read(&format!("deep/My.Gateway/{name}"));
        assert!(!["@NAME@", "@CHECKOUT@", "@SECRET@"].iter().any(|place| content.contains(place)), "{name}");
    }
    assert!(folder.read("deep/My.Gateway/gateway.toml").contains("name = \"my-gateway\""));
    assert!(folder.read("deep/My.Gateway/.gitignore").lines().any(|line| line == ".dev.vars"));
}

#[test]
fn the_secret_is_random_long_enough_and_for_its_owner_alone() {
    let folder = Folder::new("init_secret");
    let secret = |name: &str| {
        assert_eq!(folder.run(&format!("init {name}")).code, Some(0));
        let file = folder.read(&format!("{name}/.dev.vars"));
        file.lines().find_map(|line| line.strip_prefix("JWT_SECRET=")).unwrap().to_owned()
    };
    let (one, other) = (secret("one"), secret("other"));
    assert!(one != other && one.len() == 64 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.0.join("one/.dev.vars")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn an_empty_folder_is_used_and_the_name_can_be_given() {
    let folder = Folder::new("init_here");
    std::fs::create_dir(folder.0.join(".git")).unwrap();
    let ran = folder.run("init --name acme");
    assert_eq!((ran.code, ran.out.lines().next()), (Some(0), Some("wrote gateway.toml")));
    assert!(folder.read("gateway.toml").contains("name = \"acme\""));
    assert!(folder.read("README.md").contains("npm --prefix ../ferrogate start"), "nobody says where the checkout is");
}

#[test]
fn paths_lead_from_the_new_folder_to_the_checkout() {
    let folder = Folder::new("init_paths");
    let checkout = folder.0.join("src/ferro-gate");
    std::fs::create_dir_all(folder.0.join("src")).unwrap();
    for (new, way) in [("deep/gw", "../../src/ferro-gate"), ("src/../gw", "../src/ferro-gate")] {
        let ran = folder.run_words(&["init", new], &[("FERROGATE_CHECKOUT", checkout.to_str().unwrap())]);
        assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)));
        let wrangler = folder.read(&format!("{new}/wrangler.toml"));
        assert!(wrangler.contains(&format!("main = \"{way}/src/entry/main.mjs\"")), "{wrangler}");
        assert!(wrangler.contains(&format!("gateway.toml node {way}/scripts/build.mjs\"")), "{wrangler}");
        let readme = folder.read(&format!("{new}/README.md"));
        assert!(readme.contains(&format!("npm --prefix {way} start")) && !readme.contains("../ferrogate"), "{readme}");
        assert!(folder.read(&format!("{new}/gateway.toml")).contains("name = \"gw\""));
    }
    let quoted = folder.0.join("my files");
    folder.run_words(&["init", "other"], &[("FERROGATE_CHECKOUT", quoted.to_str().unwrap())]);
    assert!(folder.read("other/wrangler.toml").contains("main = \"../ferrogate/src"));
}

#[test]
fn a_folder_that_is_not_empty_is_left_as_it_is() {
    let folder = Folder::new("init_full");
    folder.write("notes.txt", "mine");
    let ran = folder.run("init");
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    assert!(ran.err.contains(". is not empty: there is notes.txt"), "{}", ran.err);
    assert_eq!(folder.names(), ["notes.txt"]);
    assert_eq!(folder.run("init notes.txt").code, Some(2), "a file is no folder");
}

#[test]
fn a_name_that_no_gateway_can_have_is_refused_before_anything_is_written() {
    let folder = Folder::new("init_name");
    let ran = folder.run("init new --name Not_Good");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("--name:") && ran.err.contains("1 to 63 lower case letters"), "{}", ran.err);
    assert!(folder.names().is_empty());
}
