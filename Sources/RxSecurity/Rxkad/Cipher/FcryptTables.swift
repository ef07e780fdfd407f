/// fcrypt's round function as four tables of 256 words: what a box gives for a byte, at the place where the protocol's
/// permutation puts it, and rotated right by five bits (OpenAFS src/rxkad/fcrypt.c, fc_ecb_encrypt).
///
/// Words hold network order in memory order: on a little-endian machine the first byte is the lowest. So blocks are
/// loaded and stored as they are.
enum FcryptTables {
  /// Table `n` begins at `n * 256`. Lives as long as the process.
  nonisolated(unsafe) static let words: UnsafePointer<UInt32> = {
    let words = UnsafeMutablePointer<UInt32>.allocate(capacity: 4 * 256)
    // The bit at which a box's byte lands before the rotation, network order: byte 2, 3, 1, 0.
    for (table, (box, shift)) in [
      (FcryptBoxes.box0, UInt32(8)), (FcryptBoxes.box1, 0), (FcryptBoxes.box2, 16), (FcryptBoxes.box3, 24),
    ].enumerated() {
      for (byte, value) in box.enumerated() {
        let placed = UInt32(value) << shift
        words[table * 256 + byte] = (placed >> 5 | placed << 27).bigEndian
      }
    }
    return UnsafePointer(words)
  }()
}
