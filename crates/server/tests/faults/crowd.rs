//! Many at once: 5,000 connections that open together, and clients that ask and do not read.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    thread,
    time::Duration,
};

use crate::{
    scene::{DEV, descriptors, folder, me, memory, now, sign_in, sign_up, text, wait_until},
    support::{Folder, Server},
};

const CROWD: usize = 5_000;
const DOORS: usize = 50;

/// The program, and this process, with descriptors for all.
fn start(folder: &Folder) -> Server {
    may_have_many(std::process::id());
    let server = folder.start(&DEV);
    may_have_many(server.id());
    server
}

fn may_have_many(process: u32) {
    let most = format!("--nofile={}:", CROWD + 1_000);
    let raised = Command::new("prlimit").args(["--pid", &process.to_string(), &most]).status().unwrap();
    assert!(raised.success(), "a process may not have that many descriptors here: {most}");
}

/// Opens one door's part of the crowd, asks on every connection, and reads every answer; how many were good.
fn through_a_door(to: SocketAddr, request: &str) -> usize {
    let mut open: Vec<_> = (0..CROWD / DOORS).map(|_| TcpStream::connect(to).unwrap()).collect();
    for stream in &mut open {
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
    }
    let good = open.iter_mut().filter_map(|stream| {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).ok()?;
        (&answer == b"HTTP/1.1 200").then_some(())
    });
    good.count()
}

#[test]
fn five_thousand_connections_that_open_at_once_are_served_and_forgotten() {
    let folder = folder("sqlite:ringfence.db", "");
    let server = start(&folder);
    let token = text(&sign_up(server.main, "ann").unwrap().1, "access_token");
    let (id, before, begun) = (server.id(), descriptors(server.id()), now());
    let request = format!("GET /.well-known/jwks.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.main);
    let doors: Vec<_> = (0..DOORS)
        .map(|_| {
            let (to, request) = (server.main, request.clone());
            thread::spawn(move || through_a_door(to, &request))
        })
        .collect();
    // Others come in meanwhile.
    assert_eq!(sign_in(server.main, "ann").unwrap().0, 200);
    assert_eq!(me(&server, &token).0, 200);
    let answered: usize = doors.into_iter().map(|door| door.join().unwrap()).sum();
    let (took, resident) = (begun.elapsed(), memory(id));
    assert_eq!(answered, CROWD);
    assert!(resident < 400, "{resident} MiB");
    wait_until("their descriptors are given back", || descriptors(id) < before + 50);
    assert_eq!(me(&server, &token).0, 200);
    eprintln!("{CROWD} connections served in {took:?}, {resident} MiB");
}

#[test]
fn whoever_asks_and_does_not_read_costs_no_memory_and_holds_up_nobody() {
    let folder = folder("sqlite:ringfence.db", "");
    let server = start(&folder);
    let token = text(&sign_up(server.main, "ann").unwrap().1, "access_token");
    let before = memory(server.id());
    // The answer is large, and asked for again and again on each connection: gigabytes, if anybody kept them.
    let request = format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.main).repeat(500);
    let mut deaf = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(server.main).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        // What does not fit is not read by the server either.
        drop(stream.write_all(request.as_bytes()));
        deaf.push(stream);
    }
    // What their buffers hold is worked off first.
    let quick = || {
        let begun = now();
        me(&server, &token).0 == 200 && begun.elapsed() < Duration::from_secs(1)
    };
    wait_until("answers are quick again", quick);
    for _ in 0..20 {
        let begun = now();
        assert_eq!(me(&server, &token).0, 200);
        assert!(begun.elapsed() < Duration::from_secs(5), "an answer took {:?}", begun.elapsed());
    }
    let grown = memory(server.id()).saturating_sub(before);
    assert!(grown < 200, "{grown} MiB for {} who do not read", deaf.len());
    drop(deaf);
    assert_eq!(sign_in(server.main, "ann").unwrap().0, 200);
    eprintln!("100 who do not read cost {grown} MiB");
}
