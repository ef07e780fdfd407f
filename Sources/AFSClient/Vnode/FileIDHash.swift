package import AFSTypes

/// The inode numbers that users see: 64 bits mixed from cell name, volume, vnode and uniquifier.
///
/// They are the same after a restart and on every machine. Two files can share a number by chance: with a million
/// files seen the odds are 1 in 37 million (birthday bound for 64 bits). The mixing function is SplitMix64's
/// finalizer (Steele, Lea, Flood, 2014), the name's hash FNV-1a.
package struct FileIDHash: Sendable, Hashable {
  private let seed: UInt64

  package init(cell name: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    seed = Self.mix(hash)
  }

  /// Never 0 or 1: tools and libfuse give those a meaning of their own.
  package func fileID(of fid: FID) -> UInt64 {
    let volume = Self.mix(seed ^ fid.volume.rawValue)
    let file = Self.mix(volume ^ fid.vnode ^ UInt64(fid.unique) << 32)
    return file < 2 ? file &+ 2 : file
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
