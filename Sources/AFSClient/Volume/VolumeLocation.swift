package import AFSTypes

/// Where the volumes of one name are: what the VL server's entry says, with servers as the client knows them.
package struct VolumeLocation: Sendable {
  /// A server with copies of some of the volumes.
  package struct Site: Sendable {
    package var server: Fileserver
    package var kinds: Set<Volume.Kind>
    /// Has the newest copy, while a release is going on which has not reached all sites.
    package var isNewRelease: Bool

    package init(server: Fileserver, kinds: Set<Volume.Kind>, isNewRelease: Bool = false) {
      self.server = server
      self.kinds = kinds
      self.isNewRelease = isNewRelease
    }
  }

  /// The read-write volume's name.
  package var baseName: String
  /// The volumes which exist.
  package var ids: [Volume.Kind: VolumeID]
  package var sites: [Site]

  package init(baseName: String, ids: [Volume.Kind: VolumeID], sites: [Site]) {
    self.baseName = baseName
    self.ids = ids
    self.sites = sites
  }

  package func name(of kind: Volume.Kind) -> String {
    switch kind {
    case .readWrite: baseName
    case .readOnly: baseName + ".readonly"
    case .backup: baseName + ".backup"
    }
  }

  package func kind(of id: VolumeID) -> Volume.Kind? {
    ids.first { $0.value == id }?.key
  }

  /// A server that has one of the volumes.
  package struct Candidate: Sendable {
    package var server: Fileserver
    /// Its copy is older than that of other servers.
    package var isOutdated: Bool
  }

  /// The servers of one of the volumes, each once. A backup lies beside its read-write volume.
  package func candidates(for kind: Volume.Kind) -> [Candidate] {
    var found: [Candidate] = []
    let matching = sites.filter { $0.kinds.contains(kind) || (kind == .backup && $0.kinds.contains(.readWrite)) }
    let isReleasing = matching.contains(where: \.isNewRelease)
    for site in matching where !found.contains(where: { $0.server === site.server }) {
      found.append(Candidate(server: site.server, isOutdated: isReleasing && !site.isNewRelease))
    }
    return found
  }
}
