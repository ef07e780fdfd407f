public import AFSTypes

/// One file, directory or symbolic link as reached through the mount: what a front end keeps for an inode.
///
/// Nodes with equal keys are the same node. One file is several nodes when its volume is reached through several
/// mount points: a kernel directory entry has one parent only.
public protocol Node: AnyObject, Sendable {
  var key: NodeKey { get }
}

/// The identity of a `Node`.
public struct NodeKey: Hashable, Sendable {
  /// The traversal of a mount point through which the file was reached; 0 is the root of the mount.
  public var mount: UInt32
  public var file: FileKey

  public init(mount: UInt32, file: FileKey) {
    self.mount = mount
    self.file = file
  }
}

/// The identity of a file among all cells. Cells are numbered as the client meets them; cell 0 holds the
/// names which the client makes up itself (the dynamic root).
public struct FileKey: Hashable, Sendable {
  public var cell: UInt32
  public var fid: FID

  public init(cell: UInt32, fid: FID) {
    self.cell = cell
    self.fid = fid
  }
}
