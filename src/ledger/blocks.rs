//! A file of checked blocks under the embedded store.
//!
//! The store trusts what it reads from its file: one flipped bit makes it panic or, worse, answer
//! wrongly. So it never reads the file itself. Every 4,096-octet block lies in a frame of its own
//! with a digest over its place, its generation and its data, and is checked on every read: what
//! the store sees is what it once wrote, or an error.
//!
//! The store writes each block anew elsewhere before it refers to it, so a block torn by a power
//! cut is one that nothing refers to. Only block 0, its header, is written in place. It therefore
//! has four frames, two pairs in turns: both frames of a pair carry the same header, so that one
//! flipped bit leaves a copy, and the other pair carries the header before, so that a torn write
//! leaves the state before it.
//!
//! | frame | holds |
//! |---|---|
//! | 0, 1 | block 0, even generations |
//! | 2, 3 | block 0, odd generations |
//! | 3 + n | block n, n > 0 |
//!
//! A frame is 4,096 octets of data, the generation (8 octets, big endian, 0 but for block 0), and
//! the first 16 octets of SHA-256 over block number, generation and data. The file grows without
//! being written; the store reads no block, but for block 0, before it has written it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use redb::StorageBackend;

/// Octets of data in a block: the store's page size.
const BLOCK: usize = 4096;
const BLOCK_LONG: u64 = 4096;
const GENERATION: usize = 8;
const DIGEST: usize = 16;
const FRAME: usize = BLOCK + GENERATION + DIGEST;
const FRAME_LONG: u64 = FRAME as u64;
/// Frames that block 0 has beyond its first.
const EXTRA_HEADER_FRAMES: u64 = 3;

/// The store's file, every block of it checked on reading.
#[derive(Debug)]
pub(super) struct CheckedBlocks {
    file: File,
    header: Mutex<Header>,
}

/// What is known of block 0.
#[derive(Debug)]
struct Header {
    /// Generation of the newest header; 0 before the first is written.
    generation: u64,
    /// Whether that generation is still unsynced and may be written over in its own pair.
    unsynced: bool,
}

/// The answer to a block whose digest does not match.
#[derive(Debug)]
pub(super) struct DamagedBlock(u64);

impl std::fmt::Display for DamagedBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {} does not match its digest", self.0)
    }
}

impl std::error::Error for DamagedBlock {}

impl CheckedBlocks {
    /// Takes a file, empty or of frames.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if length % FRAME_LONG != 0 || (1..=EXTRA_HEADER_FRAMES).contains(&(length / FRAME_LONG)) {
            return Err(damaged(length / FRAME_LONG));
        }
        let blocks = Self { file, header: Mutex::new(Header { generation: 0, unsynced: false }) };
        if length > 0 {
            // What a killed process wrote may not be on the disk yet, and must be before its
            // header's elder pair is written over.
            blocks.file.sync_data()?;
            let (generation, _) = blocks.newest_header()?;
            blocks.header().generation = generation;
        }
        Ok(blocks)
    }

    fn header(&self) -> std::sync::MutexGuard<'_, Header> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_block(&self, block: u64) -> io::Result<Vec<u8>> {
        if block == 0 {
            // The store fills in its first header part by part.
            if self.header().generation == 0 {
                return Ok(vec![0; BLOCK]);
            }
            return self.newest_header().map(|(_, data)| data);
        }
        self.read_frame(block + EXTRA_HEADER_FRAMES, block).map(|(_, data)| data)
    }

    fn newest_header(&self) -> io::Result<(u64, Vec<u8>)> {
        (0..=EXTRA_HEADER_FRAMES)
            .filter_map(|frame| self.read_frame(frame, 0).ok())
            .max_by_key(|(generation, _)| *generation)
            .ok_or_else(|| damaged(0))
    }

    fn read_frame(&self, frame: u64, block: u64) -> io::Result<(u64, Vec<u8>)> {
        let mut bytes = vec![0_u8; FRAME];
        self.file.read_exact_at(&mut bytes, frame * FRAME_LONG)?;
        let (data, trailer) = bytes.split_at(BLOCK);
        let (generation, digest) = trailer.split_at(GENERATION);
        let number = u64::from_be_bytes(generation.try_into().map_err(|_| damaged(block))?);
        if digest != frame_digest(block, number, data) {
            return Err(damaged(block));
        }
        bytes.truncate(BLOCK);
        Ok((number, bytes))
    }

    fn write_blocks(&self, first: u64, data: &[u8]) -> io::Result<()> {
        let mut rest = data;
        let mut block = first;
        if block == 0 {
            let (head, tail) = rest.split_at_checked(BLOCK).ok_or_else(|| damaged(0))?;
            self.write_header(head)?;
            rest = tail;
            block = 1;
        }
        let start = (block + EXTRA_HEADER_FRAMES) * FRAME_LONG;
        let mut frames = Vec::with_capacity(rest.len() / BLOCK * FRAME);
        for data in rest.chunks_exact(BLOCK) {
            push_frame(&mut frames, block, 0, data);
            block += 1;
        }
        self.file.write_all_at(&frames, start)
    }

    fn write_header(&self, data: &[u8]) -> io::Result<()> {
        let mut header = self.header();
        if !header.unsynced {
            header.generation += 1;
            header.unsynced = true;
        }
        let mut pair = Vec::with_capacity(2 * FRAME);
        push_frame(&mut pair, 0, header.generation, data);
        push_frame(&mut pair, 0, header.generation, data);
        self.file.write_all_at(&pair, (header.generation % 2) * 2 * FRAME_LONG)
    }
}

impl StorageBackend for CheckedBlocks {
    fn len(&self) -> io::Result<u64> {
        let frames = self.file.metadata()?.len() / FRAME_LONG;
        Ok(frames.saturating_sub(EXTRA_HEADER_FRAMES) * BLOCK_LONG)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut block = offset / BLOCK_LONG;
        let mut skip = within_block(offset);
        let mut out = out;
        while !out.is_empty() {
            let data = self.read_block(block)?;
            let available = data.get(skip..).unwrap_or_default();
            let take = available.len().min(out.len());
            let (now, later) = out.split_at_mut(take);
            now.copy_from_slice(available.get(..take).unwrap_or_default());
            out = later;
            skip = 0;
            block += 1;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if !length.is_multiple_of(BLOCK_LONG) {
            let reason = "the store's length is not one of whole blocks";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let frames = if length == 0 { 0 } else { length / BLOCK_LONG + EXTRA_HEADER_FRAMES };
        self.file.set_len(frames * FRAME_LONG)
    }

    fn sync_data(&self) -> io::Result<()> {
        // Held over the sync, so that no header is written between it and the mark.
        let mut header = self.header();
        self.file.sync_data()?;
        header.unsynced = false;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let first = offset / BLOCK_LONG;
        let skip = within_block(offset);
        if skip == 0 && data.len().is_multiple_of(BLOCK) {
            return self.write_blocks(first, data);
        }
        // A part of a block: the rest of it is kept.
        let whole = (skip + data.len()).next_multiple_of(BLOCK);
        let mut blocks = vec![0_u8; whole];
        self.read(first * BLOCK_LONG, &mut blocks)?;
        let place = blocks.get_mut(skip..skip + data.len()).ok_or_else(|| damaged(first))?;
        place.copy_from_slice(data);
        self.write_blocks(first, &blocks)
    }
}

fn within_block(offset: u64) -> usize {
    usize::try_from(offset % BLOCK_LONG).unwrap_or(0)
}

fn push_frame(frames: &mut Vec<u8>, block: u64, generation: u64, data: &[u8]) {
    frames.extend_from_slice(data);
    frames.extend_from_slice(&generation.to_be_bytes());
    frames.extend_from_slice(&frame_digest(block, generation, data));
}

fn frame_digest(block: u64, generation: u64, data: &[u8]) -> [u8; DIGEST] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&block.to_be_bytes());
    context.update(&generation.to_be_bytes());
    context.update(data);
    let mut short = [0_u8; DIGEST];
    for (to, from) in short.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    short
}

fn damaged(block: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, DamagedBlock(block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(file: &File) -> CheckedBlocks {
        CheckedBlocks::new(file.try_clone().unwrap()).unwrap()
    }

    fn read(blocks: &CheckedBlocks, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0; length];
        blocks.read(offset, &mut out)?;
        Ok(out)
    }

    #[test]
    fn a_flipped_bit_in_any_frame_is_an_error_or_the_right_answer() {
        let file = tempfile::tempfile().unwrap();
        let store = blocks(&file);
        store.set_len(3 * BLOCK_LONG).unwrap();
        store.write(0, &[7; 3 * BLOCK]).unwrap();
        store.sync_data().unwrap();
        let length = file.metadata().unwrap().len();
        for position in (0..length).step_by(61) {
            let mut octet = [0];
            file.read_exact_at(&mut octet, position).unwrap();
            file.write_all_at(&[octet[0] ^ 0x10], position).unwrap();
            if let Ok(data) = read(&blocks(&file), 0, 3 * BLOCK) {
                assert_eq!(data, [7; 3 * BLOCK], "flip at {position}");
                assert!(position < 4 * FRAME_LONG, "flip at {position} went unnoticed");
            }
            file.write_all_at(&octet, position).unwrap();
        }
    }

    #[test]
    fn a_torn_header_leaves_the_header_before_it() {
        let file = tempfile::tempfile().unwrap();
        let store = blocks(&file);
        store.set_len(BLOCK_LONG).unwrap();
        for value in 1..=5_u8 {
            store.write(0, &[value; 320]).unwrap();
            store.write(0, &[value; 320]).unwrap();
            store.sync_data().unwrap();
        }
        store.write(0, &[6; 320]).unwrap();
        // The sixth header is of an even generation: the first pair.
        file.write_all_at(&[0xFF; 2 * FRAME], 0).unwrap();
        assert_eq!(read(&blocks(&file), 0, 320).unwrap(), [5; 320]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(writes in proptest::collection::vec(
            (0_u64..5 * BLOCK_LONG, proptest::collection::vec(any::<u8>(), 1..5000)), 1..8)) {
            let file = tempfile::tempfile().unwrap();
            let store = blocks(&file);
            let mut model = vec![0_u8; 8 * BLOCK];
            store.set_len(8 * BLOCK_LONG).unwrap();
            store.write(0, &model).unwrap();
            for (offset, data) in &writes {
                store.write(*offset, data).unwrap();
                let start = usize::try_from(*offset).unwrap();
                model[start..start + data.len()].copy_from_slice(data);
            }
            store.sync_data().unwrap();
            prop_assert_eq!(read(&blocks(&file), 0, 8 * BLOCK).unwrap(), model);
        }
    }
}
