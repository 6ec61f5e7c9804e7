from .idea import (
    AnnealingLaw as AnnealingLaw,
    Fit as Fit,
    Profile as Profile,
    areas as areas,
    areas_with_ramp as areas_with_ramp,
    fit as fit,
    profile as profile,
    project as project,
)
