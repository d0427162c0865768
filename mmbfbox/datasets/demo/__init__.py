"""The demo's images: made of photographs that scikit-image ships."""
