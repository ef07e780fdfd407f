package import AFSTypes

/// The node of `AFSFileSystem`: a vnode, or a name that the client makes up, as reached through a mount.
///
/// Nodes are light and are made anew for each lookup; equal keys mean the same file.
package final class AFSNode: Node {
  package enum Role: Sendable {
    /// A file, a symbolic link, or a directory which is not the root of a volume.
    case vnode(Vnode)
    /// A symbolic link of mode 0644: shows itself as the root directory of the volume that it names.
    case mountPoint(Vnode, Mount)
    /// A name of the dynamic root, or the root of the mount: like a mount point without a vnode.
    case madeUpMountPoint(MountTarget, Mount)
    /// The directory of all cells.
    case dynamicRoot
    /// A symbolic link in the dynamic root.
    case madeUpLink([UInt8])
  }

  public let key: NodeKey
  /// The mount in which the node lies: for a mount point the one which holds the mount point itself.
  package let mount: Mount
  package let role: Role

  package init(file: FileKey, mount: Mount, role: Role) {
    key = NodeKey(mount: mount.number, file: file)
    self.mount = mount
    self.role = role
  }

  package convenience init(_ vnode: Vnode, in mount: Mount) {
    self.init(file: vnode.key, mount: mount, role: .vnode(vnode))
  }
}

/// What a mount point of the dynamic root means.
package struct MountTarget: Hashable, Sendable {
  /// nil when the local cell is meant and none is configured.
  package var cell: CellName?
  /// A volume's name, or its number in decimal.
  package var volume: String
  package var isReadWrite: Bool

  package init(cell: CellName?, volume: String, isReadWrite: Bool) {
    self.cell = cell
    self.volume = volume
    self.isReadWrite = isReadWrite
  }
}
