/// The number of a volume within a cell. AFS-3 uses 32 bits, YFS 64.
public struct VolumeID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var rawValue: UInt64
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  @inlinable public static func < (a: VolumeID, b: VolumeID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// The name of a file in its cell: volume, vnode within the volume, and the uniquifier which tells
/// successive uses of one vnode number apart.
public struct FID: Hashable, Sendable, CustomStringConvertible {
  public var volume: VolumeID
  /// Odd for directories, even for files and symbolic links (OpenAFS src/vol/vnode.h, vnodeIdToClass).
  public var vnode: UInt64
  public var unique: UInt32

  @inlinable
  public init(volume: VolumeID, vnode: UInt64, unique: UInt32) {
    self.volume = volume
    self.vnode = vnode
    self.unique = unique
  }

  /// The root directory of `volume`: vnode 1, unique 1 (OpenAFS src/vol/volume.h, ROOTVNODE).
  public static func root(of volume: VolumeID) -> FID { FID(volume: volume, vnode: 1, unique: 1) }

  public var description: String { "\(volume).\(vnode).\(unique)" }
}

/// The version of a file's or a directory's contents: grows by one with each change.
public struct DataVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var rawValue: UInt64
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  @inlinable public static func < (a: DataVersion, b: DataVersion) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}
