"""A label config that pre-annotation is for."""

CONFIG = """<View><Image name="image" value="$image"/><KeyPoint name="click" toName="image" smart="true"/>
<BrushLabels name="brush" toName="image"><Label value="cat"/><Label value="dog"/></BrushLabels></View>"""
