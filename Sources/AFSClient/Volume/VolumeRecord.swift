package import AFSBase
package import AFSRPC
package import AFSTypes

/// An entry of the volume location database: the volumes of one name and where they are. Decoded from whichever of the
/// three generations of the interface the location server speaks, and free of what it can't mean.
package struct VolumeRecord: Hashable, Sendable {
  /// How an entry names a fileserver.
  package enum Server: Hashable, Sendable {
    /// Registered with all its addresses; `listVersion` changes with them.
    case uuid(AFSUUID, listVersion: UInt32)
    /// IPv4, in host order.
    case address(UInt32)
  }

  /// Copies on one partition of one server.
  package struct Site: Hashable, Sendable {
    package var server: Server
    /// 0 is `/vicepa`.
    package var partition: Int32
    package var kinds: Set<Volume.Kind>
    /// A release that has not reached all sites has reached this one.
    package var isNewRelease: Bool

    package init(server: Server, partition: Int32 = 0, kinds: Set<Volume.Kind>, isNewRelease: Bool = false) {
      self.server = server
      self.partition = partition
      self.kinds = kinds
      self.isNewRelease = isNewRelease
    }
  }

  /// The read-write volume's name.
  package var name: String
  /// The volumes which exist.
  package var ids: [Volume.Kind: VolumeID]
  /// Without those that are not to be used yet.
  package var sites: [Site]

  package init(name: String, ids: [Volume.Kind: VolumeID], sites: [Site]) {
    self.name = name
    self.ids = ids
    self.sites = sites
  }

  /// nil when the entry has no name that a volume can have.
  package init?(_ entry: UVLDBEntry) {
    self.init(entry.name, entry.volumeID, entry.flags)
    sites = Self.sites(entry.serverCount, entry.serverNumber, entry.serverPartition, entry.serverFlags) {
      index, flags in
      // Without the flag the first word of the UUID is an address (OpenAFS src/vlserver/vlprocs.c).
      guard flags & UInt32(VLConstants.serverUUID) != 0 else {
        return .address(UInt32(truncatingIfNeeded: entry.serverNumber[index].high >> 32))
      }
      let version = entry.serverUnique.indices.contains(index) ? entry.serverUnique[index] : 0
      return .uuid(entry.serverNumber[index], listVersion: UInt32(bitPattern: version))
    }
  }

  package init?(_ entry: NVLDBEntry) {
    self.init(entry.name, entry.volumeID, entry.flags)
    sites = Self.sites(entry.serverCount, entry.serverNumber, entry.serverPartition, entry.serverFlags) { index, _ in
      .address(entry.serverNumber[index])
    }
  }

  package init?(_ entry: VLDBEntry) {
    self.init(entry.name, entry.volumeID, entry.flags)
    sites = Self.sites(entry.serverCount, entry.serverNumber, entry.serverPartition, entry.serverFlags) { index, _ in
      .address(entry.serverNumber[index])
    }
  }

  private init?(_ name: [UInt8], _ numbers: [UInt32], _ flags: UInt32) {
    let name = name.prefix { $0 != 0 }
    guard MountPoint.isVolumeName(name) else { return nil }
    var ids: [Volume.Kind: VolumeID] = [:]
    let kinds: [(kind: Volume.Kind, flag: Int)] = [
      (.readWrite, VLConstants.entryReadWriteExists), (.readOnly, VLConstants.entryReadOnlyExists),
      (.backup, VLConstants.entryBackupExists),
    ]
    for ((kind, flag), number) in zip(kinds, numbers) where flags & UInt32(flag) != 0 && number != 0 {
      ids[kind] = VolumeID(UInt64(number))
    }
    self.init(name: String(decoding: name, as: UTF8.self), ids: ids, sites: [])
  }

  /// As many sites as the entry claims and its arrays hold.
  private static func sites(
    _ claimed: Int32, _ servers: [some Any], _ partitions: [Int32], _ flags: [UInt32],
    server: (_ index: Int, _ flags: UInt32) -> Server
  ) -> [Site] {
    let count = max(0, min(Int(claimed), servers.count, partitions.count, flags.count))
    return (0..<count).compactMap { index in
      let siteFlags = flags[index]
      guard siteFlags & UInt32(VLConstants.serverDontUse) == 0 else { return nil }
      var kinds: Set<Volume.Kind> = []
      if siteFlags & UInt32(VLConstants.serverReadWrite) != 0 { kinds.insert(.readWrite) }
      if siteFlags & UInt32(VLConstants.serverReadOnly) != 0 { kinds.insert(.readOnly) }
      if siteFlags & UInt32(VLConstants.serverBackup) != 0 { kinds.insert(.backup) }
      return Site(
        server: server(index, siteFlags), partition: partitions[index], kinds: kinds,
        isNewRelease: siteFlags & UInt32(VLConstants.serverNewReplica) != 0)
    }
  }
}
